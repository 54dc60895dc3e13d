package projection

import (
	"maps"
	"slices"
)

// Described lists the fields of the described types, by the schema's name.
func Described() map[string][]string {
	return map[string][]string{
		"StepSampleConnection":     slices.Collect(maps.Keys(connection)),
		"StepSampleEdge":           slices.Collect(maps.Keys(sampleEdge)),
		"StepSample":               slices.Collect(maps.Keys(sample)),
		"QuantitySampleConnection": slices.Collect(maps.Keys(quantityConnection)),
		"QuantitySampleEdge":       slices.Collect(maps.Keys(quantityEdge)),
		"QuantitySample":           slices.Collect(maps.Keys(quantitySample)),
		"QuantitySeries":           slices.Collect(maps.Keys(quantitySeries)),
		"Metric":                   slices.Collect(maps.Keys(metric)),
		"PageInfo":                 slices.Collect(maps.Keys(pageInfo)),
		"Problem":                  slices.Collect(maps.Keys(problem)),
		"DataSourceLink":           slices.Collect(maps.Keys(link)),
		"DailySteps":               slices.Collect(maps.Keys(day)),
		"StepCandidate":            slices.Collect(maps.Keys(candidate)),
		"DeviceSteps":              slices.Collect(maps.Keys(deviceSteps)),
		"DataSource":               slices.Collect(maps.Keys(dataSource)),
	}
}
