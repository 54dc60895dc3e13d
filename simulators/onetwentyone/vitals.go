package onetwentyone

import (
	"strconv"
	"time"

	"healthgraph/simulators/people"
)

// vital is how a metric's history is invented: times a day, or a week, values between two bounds.
type vital struct {
	every     int             // days from one with samples to the next
	hours     []time.Duration // of the day
	lasts     time.Duration   // 0 = an instant
	low, high int             // in steps
	step      float64
	device    string
}

// perStep is what a step is worth of the metrics that come of walking.
var perStep = map[string]float64{"distanceWalkingRunning": 0.72, "activeEnergyBurned": 0.041}

func hourly(from, to, apart int) (hours []time.Duration) {
	for h := from; h <= to; h += apart {
		hours = append(hours, time.Duration(h)*time.Hour)
	}
	return hours
}

var vitals = map[string]vital{
	"heartRate":                     {1, hourly(0, 23, 1), 0, 52, 118, 1, people.Watch},
	"heartRateVariabilitySDNN":      {1, hourly(2, 23, 5), time.Minute, 220, 780, 0.1, people.Watch},
	"respiratoryRate":               {1, hourly(1, 5, 1), 30 * time.Minute, 24, 34, 0.5, people.Watch},
	"oxygenSaturation":              {1, hourly(3, 21, 6), 15 * time.Second, 95, 99, 0.01, people.Watch},
	"walkingHeartRateAverage":       {1, hourly(21, 21, 1), 0, 88, 108, 1, people.Watch},
	"environmentalAudioExposure":    {1, hourly(7, 22, 1), 30 * time.Minute, 450, 820, 0.1, people.Watch},
	"appleSleepingWristTemperature": {1, hourly(1, 1, 1), 5 * time.Hour, 345, 361, 0.1, people.Watch},
	"flightsClimbed":                {1, hourly(8, 20, 4), 10 * time.Minute, 0, 4, 1, people.Phone},
	"dietaryWater":                  {1, hourly(8, 20, 3), 0, 4, 9, 50, people.Phone},
	"bloodGlucose":                  {2, hourly(7, 19, 6), 0, 78, 142, 1, people.Phone},
	"bodyMass":                      {7, hourly(7, 7, 1), 0, 714, 731, 0.1, people.Phone},
	"bodyTemperature":               {7, hourly(8, 8, 1), 0, 362, 371, 0.1, people.Phone},
	"vo2Max":                        {7, hourly(18, 18, 1), 0, 401, 428, 0.1, people.Watch},
}

// invented is a history that grows with the clock when it is asked for.
type invented struct {
	builder *builder
	until   people.Date
}

// growVital invents a metric's days up to tomorrow, and reports whether the metric has an invented history. The caller holds
// s.mu.
func (s *Simulator) growVital(p *person, metric string) bool {
	v, isVital := vitals[metric]
	rate, isWalked := perStep[metric]
	if p.given[metric] || (!isVital && !isWalked) {
		return false
	}
	own := p.vitals[metric]
	if own == nil {
		own = &invented{newBuilder(), people.DateOf(s.config.HistoryStart)}
		own.builder.live = true
		p.vitals[metric] = own
	}
	zone := s.histories.Zone(p.name)
	end := people.DateOf(s.control.Clock.Now().In(zone)) + 1
	if own.until >= end {
		return true
	}
	if isWalked {
		from := own.until.Start(zone)
		for _, walk := range s.histories.Samples(p.name, from, end.Start(zone)) {
			if !walk.Start.Before(from) {
				own.builder.add(Step{Start: walk.Start, End: walk.End, Value: walk.Value * rate, Source: walk.Device, Product: walk.Product})
			}
		}
	} else {
		for day := own.until; day < end; day++ {
			s.inventDay(p, metric, v, day, zone, own.builder)
		}
	}
	own.until = end
	p.metrics[metric] = own.builder.publish()
	return true
}

func (s *Simulator) inventDay(p *person, metric string, v vital, day people.Date, zone *time.Location, b *builder) {
	if people.IsMissing(day) || day.Number()%v.every != 0 {
		return
	}
	product := "Watch7,1"
	if v.device == people.Phone {
		product = "iPhone15,4"
	}
	for i, hour := range v.hours {
		at := day.Start(zone).Add(hour)
		steps := s.histories.Between(p.name, day, metric+strconv.Itoa(i), v.low, v.high)
		b.add(Step{Start: at, End: at.Add(v.lasts), Value: round(float64(steps) * v.step), Source: v.device, Product: product})
	}
}

// round leaves of a product of decimals what a device would show.
func round(v float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 3, 64), 64)
	if err != nil {
		return v // what was just formatted always parses
	}
	return rounded
}
