package growth

import "fmt"

const (
	// dearer is how much more one more may cost at the large end than at the small one. Twice is what it costs where the cost grows
	// with the square, when the size doubles; what is sorted costs a little more.
	dearer = 1.5
	// unfelt is how much more the work may cost beside what it must not feel: the levels of an index.
	unfelt = 1.5
)

// slack is what a cost may differ by for no reason: a timer that fires, a buffer that grew, one more page of an upstream's.
func slack(c cost) cost {
	return cost{allocations: 50 + c.allocations/50, bytes: 16<<10 + c.bytes/50, calls: 1, pages: 20 + c.pages/50}
}

// judge says what grows faster than it may. Each size is twice the one before.
func (p Path) judge(h history) (complaints []string) {
	sizes, costs := h.sizes, h.costs
	for i := range costs {
		if i > 0 && costs[i].statements != costs[0].statements {
			complaints = append(complaints, fmt.Sprintf("%g SQL statements at %d, and %g at %d: want the same", costs[0].statements, sizes[0], costs[i].statements, sizes[i]))
		}
	}
	for name, of := range map[string]func(cost) float64{
		"allocations": func(c cost) float64 { return c.allocations },
		"bytes":       func(c cost) float64 { return c.bytes },
		"statements":  func(c cost) float64 { return c.statements },
		"calls":       func(c cost) float64 { return c.calls },
		"pages":       func(c cost) float64 { return c.pages },
	} {
		for i := 2; i < len(costs); i++ {
			a, b, c, spare := of(costs[i-2]), of(costs[i-1]), of(costs[i]), of(slack(costs[i]))
			switch {
			case p.Flat && c > max(a, b)*unfelt+spare:
				complaints = append(complaints, fmt.Sprintf("%.0f %s at %d, and %.0f at %d: want the same", a, name, sizes[i-2], c, sizes[i]))
			// From the second size to the third there is twice as much more as from the first to the second. Bytes grow in steps, as
			// buffers double: they have to be more than the work is as well.
			case !p.Flat && c-b > 2*dearer*max(b-a, 0)+spare && (name != "bytes" || c > 4*a):
				complaints = append(complaints, fmt.Sprintf("%.0f, %.0f and %.0f %s at %v: faster than the work", a, b, c, name, sizes[i-2:i+1]))
			}
		}
	}
	return complaints
}
