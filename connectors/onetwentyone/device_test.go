package onetwentyone_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// device reads one sample with these fields beside the rest, and gives the name of what counted it.
func device(t *testing.T, fields string) string {
	t.Helper()
	read, _ := paged(t, page(false, `{"id":"x","value":1,"start":"2026-03-29T08:00:00Z","end":"2026-03-29T08:01:00Z"`+fields+`}`))
	result := read()
	require.NoError(t, result.Err)
	require.Len(t, result.Samples, 1)
	return result.Samples[0].Device
}

func description(pointer, software string) string {
	text, _ := json.Marshal("<<HKDevice: " + pointer + ">, name:iPhone, manufacturer:Apple Inc., model:iPhone, hardware:iPhone12,1, software:" + software + ">") // a text encodes
	return string(text)
}

func TestADeviceIsTheSameHoweverItIsDescribed(t *testing.T) {
	for fields, want := range map[string]string{
		`,"source_name":"Anna’s iPhone","device":` + description("0x282f0a1b0", "14.2"):                                                                                         "Anna’s iPhone / iPhone12,1",
		`,"source_name":"Anna’s iPhone","device":` + description("0x283000000", "16.0"):                                                                                         "Anna’s iPhone / iPhone12,1",
		`,"device":` + description("0x282f0a1b0", "14.2"):                                                                                                                       "iPhone / iPhone12,1",
		`,"source_name":"Pedometer","device":` + description("0x282f0a1b0", "14.2"):                                                                                             "Pedometer / iPhone12,1", // it copies the phone's
		`,"source_name":"Anna’s iPhone","source_version":"14.2","device":null`:                                                                                                  "Anna’s iPhone",
		`,"source":"Health","device":"&lt;&lt;HKDevice: 0x1&gt;, name:Wahoo, TICKR, manufacturer:Wahoo, Inc., model:TICKR, firmware:1.0&gt;"`:                                   "Health / Wahoo, TICKR",
		`,"source":"Health","device":"<<HKDevice: 0x282f0a1b0>>"`:                                                                                                               "Health",
		`,"source":"Anna's Watch","device":{"name":"Apple Watch","manufacturer":"Apple Inc.","model":"Watch","hardwareVersion":"Watch6,2","softwareVersion":"8.3"}`:             "Anna's Watch / Watch6,2",
		`,"sourceRevision":{"source":{"name":"Anna's Watch","bundleIdentifier":"com.apple.health.1"},"version":"8.3","productType":"Watch6,2"},"device":{"name":"Apple Watch"}`: "Anna's Watch / Apple Watch",
		`,"source_name":"Apple\u00a0Watch von  Anna\u200e"`:                                                                                                                     "Apple Watch von Anna",
		`,"source_name":"iPhone","device":"IPHONE"`:                                                                                                                             "IPHONE",
		`,"source_name":"👩\u200d🔬"`:                                                                                                                                             "👩\u200d🔬",
	} {
		assert.Equal(t, want, device(t, fields), fields)
	}
}

func TestNamesThatDifferInCaseAloneAreOneDevice(t *testing.T) {
	at := func(second int, name string) string {
		return fmt.Sprintf(`{"id":"%d","value":1,"start":"2026-03-29T08:00:%02dZ","end":"2026-03-29T08:01:00Z","source_name":%q}`, second, second, name)
	}
	read, _ := paged(t, page(false, at(1, "Anna's iPhone"), at(2, "anna's iphone"), at(3, "Anna's\u00a0iPhone"), at(4, "Anna's iPad")))
	var names []string
	for _, s := range read().Samples {
		names = append(names, s.Device)
	}
	assert.Equal(t, []string{"Anna's iPhone", "Anna's iPhone", "Anna's iPhone", "Anna's iPad"}, names)
}

// Where the id of all samples is the same (a type's name), phone and watch may begin at the same instant.
func TestAnIDThatIsNoneCostsNoSampleOfAnotherDevice(t *testing.T) {
	at := func(name string, value int) string {
		return fmt.Sprintf(`{"id":"stepCount","value":%d,"start":"2026-03-29T08:00:00Z","end":"2026-03-29T08:01:00Z","source_name":%q}`, value, name)
	}
	read, _ := paged(t, page(false, at("phone", 50), at("watch", 60)))
	assert.Len(t, read().Samples, 2)
}
