package onetwentyone

import (
	"strconv"
	"time"
)

// THE SHAPE OF AN ITEM IS AN ASSUMPTION. The page that documents quantities (api.onetwentyone.ai/quantity) can be read
// up to the limit object only; no page names one field of an item. What is here follows its sibling endpoints: flat
// objects in snake_case that name their owner, a number as value, times in ISO 8601 in UTC. This file is the one place
// that knows the shape, and the switches ItemNames, Numbers, Times, Units, Percent, ItemDevices and ItemIDs vary it:
//
//	{"id":"…","user_id":"…","metric":"stepCount","value":123,"unit":"count","start_date":"2026-03-01T08:00:00Z",
//	 "end_date":"2026-03-01T08:05:00Z","source_name":"phone","source_device":"iPhone15,4"}

// itemNames are the field names, in order.
type itemNames struct{ id, user, metric, value, unit, start, end, sourceName, sourceDevice string }

var (
	snake = itemNames{"id", "user_id", "metric", "value", "unit", "start_date", "end_date", "source_name", "source_device"}
	camel = itemNames{"id", "userId", "metric", "value", "unit", "startDate", "endDate", "sourceName", "sourceDevice"}
)

// itemOwner is what all items of an answer have in common.
type itemOwner struct {
	userID, metric string
	writing        writing
	zone           *time.Location
}

// appendItems writes the items of one page, separated by commas. It puts the JSON together by hand: there can be ten
// thousand items, and their field names depend on a switch.
func (sw Switches) appendItems(b []byte, owner itemOwner, sel selection, first int, q query) []byte {
	names := snake
	if sw.ItemNames == "camel" {
		names = camel
	}
	layout, zone := "2006-01-02T15:04:05.999Z07:00", time.UTC
	switch sw.Times {
	case "offset":
		layout = "2006-01-02T15:04:05.999-07:00"
	case "local":
		layout, zone = "2006-01-02T15:04:05.999-07:00", owner.zone
	}
	quoted := make([][2][]byte, len(sel.h.sources)) // escaping each name once is enough
	for i, src := range sel.h.sources {
		quoted[i] = [2][]byte{orNull(src.name), orNull(src.product)}
	}
	text := func(name string, value []byte) {
		if last := b[len(b)-1]; last != '{' {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, name...)
		b = append(b, '"', ':')
		b = append(b, value...)
	}
	user, metric, unit := marshal(owner.userID), marshal(owner.metric), orNull(owner.writing.unit)
	key := owner.userID + " " + owner.metric
	var scratch [64]byte
	for n := first; n < min(first+q.size, sel.len()); n++ {
		i := sel.index(n, q.descending)
		r := sel.h.records[i]
		if n > first {
			b = append(b, ',')
		}
		b = append(b, '{')
		if sw.ItemIDs {
			text(names.id, marshal(sel.h.id(key, i)))
		}
		text(names.user, user)
		text(names.metric, metric)
		value := strconv.AppendFloat(scratch[:0], owner.writing.value(r.value), 'f', -1, 64)
		if sw.Numbers == "string" {
			value = marshal(string(value))
		}
		text(names.value, value)
		text(names.unit, unit)
		text(names.start, appendTime(scratch[:0], r.start, layout, zone))
		text(names.end, appendTime(scratch[:0], r.end, layout, zone))
		if sw.ItemDevices {
			text(names.sourceName, quoted[r.source][0])
			text(names.sourceDevice, quoted[r.source][1])
		}
		b = append(b, '}')
	}
	return b
}

func appendTime(b []byte, milli int64, layout string, zone *time.Location) []byte {
	b = append(b, '"')
	b = time.UnixMilli(milli).In(zone).AppendFormat(b, layout)
	return append(b, '"')
}

func orNull(name string) []byte {
	if name == "" {
		return []byte("null")
	}
	return marshal(name)
}
