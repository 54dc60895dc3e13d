package projection

import (
	"maps"
	"slices"
)

// Described lists the fields of the described types, by the schema's name.
func Described() map[string][]string {
	return map[string][]string{
		"StepSampleConnection": slices.Collect(maps.Keys(connection)),
		"StepSampleEdge":       slices.Collect(maps.Keys(sampleEdge)),
		"StepSample":           slices.Collect(maps.Keys(sample)),
		"PageInfo":             slices.Collect(maps.Keys(pageInfo)),
		"Problem":              slices.Collect(maps.Keys(problem)),
		"DataSource":           slices.Collect(maps.Keys(dataSource)),
	}
}
