package applehealth_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"healthgraph/simulators/applehealth"
)

// collect reads a document that is expected to be an export.
func collect(t *testing.T, document string) ([]applehealth.Sample, applehealth.Summary, error) {
	t.Helper()
	var samples []applehealth.Sample
	sum, err := applehealth.ReadXML(t.Context(), strings.NewReader(document), int64(len(document)),
		applehealth.Options{}, func(s applehealth.Sample) error {
			samples = append(samples, s)
			return nil
		})
	return samples, sum, err
}

func inRoot(body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><HealthData locale="en_GB">` + body + `</HealthData>`
}

// step writes a valid record, in which the test replaces what it is about.
func step(replacements ...string) string {
	record := `<Record type="HKQuantityTypeIdentifierStepCount" sourceName="Phone" sourceVersion="17.3" unit="count"` +
		` creationDate="2024-03-01 08:10:00 +0100" startDate="2024-03-01 08:01:02 +0100"` +
		` endDate="2024-03-01 08:05:00 +0100" value="123"/>`
	return strings.NewReplacer(replacements...).Replace(record)
}

func TestReadsAnExportAsThePhoneWritesIt(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "export.xml"))
	if err != nil {
		t.Fatal(err)
	}
	samples, sum, err := collect(t, string(data))
	if err != nil {
		t.Fatal(err)
	}
	winter, summer := time.FixedZone("", 3600), time.FixedZone("", 7200)
	want := []applehealth.Sample{
		{
			Start:  time.Date(2024, 3, 1, 8, 1, 2, 0, winter),
			End:    time.Date(2024, 3, 1, 8, 5, 0, 0, winter),
			Value:  123,
			Source: "Person's \"Phone\" <old & blue>", Product: "iPhone14,5",
		},
		{
			Start:  time.Date(2024, 3, 1, 8, 2, 0, 0, winter),
			End:    time.Date(2024, 3, 1, 8, 4, 30, 0, winter),
			Value:  101.5,
			Source: "Montre ⌚ é", Product: "Watch6,2",
		},
		{
			Start:  time.Date(2024, 6, 30, 23, 59, 59, 0, summer),
			End:    time.Date(2024, 7, 1, 0, 0, 1, 0, summer),
			Value:  3,
			Source: "Pedometer app",
		},
	}
	if diff := cmp.Diff(want, samples); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	wantSum := applehealth.Summary{
		Bytes: int64(len(data)), Records: 6, Steps: 3, Nested: 2,
		Refused:    map[applehealth.Reason]int64{applehealth.RefusedDate: 1},
		First:      want[0].Start,
		Last:       want[2].End,
		ExportDate: time.Date(2024, 7, 2, 9, 0, 0, 0, summer),
	}
	if diff := cmp.Diff(wantSum, sum); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

func TestRefusesRecordsAndCountsWhy(t *testing.T) {
	for name, c := range map[string]struct {
		record string
		reason applehealth.Reason
	}{
		"no start":              {step(` startDate="2024-03-01 08:01:02 +0100"`, ""), applehealth.RefusedMissing},
		"no end":                {step(` endDate="2024-03-01 08:05:00 +0100"`, ""), applehealth.RefusedMissing},
		"no value":              {step(` value="123"`, ""), applehealth.RefusedMissing},
		"twelve hour clock":     {step("08:01:02 +0100", "8:01:02 am +0100"), applehealth.RefusedDate},
		"no offset":             {step("08:01:02 +0100", "08:01:02"), applehealth.RefusedDate},
		"offset in letters":     {step("08:01:02 +0100", "08:01:02 +01:0"), applehealth.RefusedDate},
		"offset without sign":   {step("08:01:02 +0100", "08:01:02 10100"), applehealth.RefusedDate},
		"offset too large":      {step("08:01:02 +0100", "08:01:02 +1500"), applehealth.RefusedDate},
		"other separators":      {step("2024-03-01 08:01:02", "2024/03/01 08:01:02"), applehealth.RefusedDate},
		"thirtieth of Feb":      {step("2024-03-01 08:01:02", "2024-02-30 08:01:02"), applehealth.RefusedDate},
		"day zero":              {step("2024-03-01 08:01:02", "2024-03-00 08:01:02"), applehealth.RefusedDate},
		"month 13":              {step("2024-03-01 08:01:02", "2024-13-01 08:01:02"), applehealth.RefusedDate},
		"hour 24":               {step("08:01:02", "24:01:02"), applehealth.RefusedDate},
		"ends before it starts": {step("08:05:00", "08:01:01"), applehealth.RefusedOrder},
		"empty value":           {step(`"123"`, `""`), applehealth.RefusedValue},
		"negative":              {step(`"123"`, `"-1"`), applehealth.RefusedValue},
		"infinite":              {step(`"123"`, `"1e999"`), applehealth.RefusedValue},
		"not a number":          {step(`"123"`, `"NaN"`), applehealth.RefusedValue},
		"hexadecimal":           {step(`"123"`, `"0x1p4"`), applehealth.RefusedValue},
		"two points":            {step(`"123"`, `"1.2.3"`), applehealth.RefusedValue},
		"decimal comma":         {step(`"123"`, `"1,5"`), applehealth.RefusedValue},
		"kilometres":            {step(`unit="count"`, `unit="km"`), applehealth.RefusedUnit},
	} {
		t.Run(name, func(t *testing.T) {
			samples, sum, err := collect(t, inRoot(step()+c.record+step()))
			if err != nil {
				t.Fatal(err)
			}
			if len(samples) != 2 || sum.Records != 3 || sum.Steps != 2 {
				t.Errorf("%d samples of %d records, want 2 of 3", len(samples), sum.Records)
			}
			if diff := cmp.Diff(map[applehealth.Reason]int64{c.reason: 1}, sum.Refused); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadsOddButUsableRecords(t *testing.T) {
	for name, c := range map[string]struct {
		record          string
		source, product string
		value           float64
	}{
		"no unit":               {step(` unit="count"`, ""), "Phone", "", 123},
		"fraction":              {step(`"123"`, `"1.5e2"`), "Phone", "", 150},
		"long number":           {step(`"123"`, `"0000000000000000123"`), "Phone", "", 123},
		"single quotes":         {strings.ReplaceAll(step(), `"`, `'`), "Phone", "", 123},
		"bytes not UTF-8":       {step("Phone", "Ph\xe9ne\xff"), "Ph\ufffdne\ufffd", "", 123},
		"control characters":    {step("Phone", "Ph\x0bne&#7;"), "Ph ne", "", 123},
		"numeric references":    {step("Phone", "&#80;&#x1F4F1;&#xA0;&#xD800;"), "P📱\u00a0&#xD800;", "", 123},
		"unknown reference":     {step("Phone", "A&B &nope; &"), "A&B &nope; &", "", 123},
		"bracket in a quote":    {step("Phone", "a > b"), "a > b", "", 123},
		"attribute with spaces": {step("<Record ", `<Record Health Mate App Version="2.6" `), "Phone", "", 123},
		"device unescaped": {
			step(` unit=`, ` device="<<HKDevice: 0x1>, name:Apple Watch, model:Watch, hardware:Watch7,1>" unit=`),
			"Phone", "Watch7,1", 123,
		},
		"device without hardware": {
			step(` unit=`, ` device="&lt;&lt;HKDevice: 0x1&gt;, name:x, model:iPhone, software:17&gt;" unit=`),
			"Phone", "iPhone", 123,
		},
		"device that says nothing":  {step(` unit=`, ` device="band" unit=`), "Phone", "", 123},
		"open and closed by a tag":  {step(`/>`, `><MetadataEntry key="a" value="b"/></Record>`), "Phone", "", 123},
		"in a comment and for real": {"<!--" + step() + "-->" + "<![CDATA[" + step() + "]]>" + step(), "Phone", "", 123},
	} {
		t.Run(name, func(t *testing.T) {
			samples, sum, err := collect(t, inRoot(c.record))
			if err != nil || len(samples) != 1 || sum.Refused != nil {
				t.Fatalf("%d samples, %v refused, error %v", len(samples), sum.Refused, err)
			}
			if s := samples[0]; s.Source != c.source || s.Product != c.product || s.Value != c.value {
				t.Errorf("got %q, %q, %g; want %q, %q, %g", s.Source, s.Product, s.Value, c.source, c.product, c.value)
			}
		})
	}
}

func TestNamesWhatIsWrongWithADocument(t *testing.T) {
	whole := inRoot(step() + step())
	for name, c := range map[string]struct {
		document string
		want     error
	}{
		"empty":                {"", applehealth.ErrMalformed},
		"spaces":               {"   \n  ", applehealth.ErrMalformed},
		"prose":                {"Hello there", applehealth.ErrMalformed},
		"UTF-16":               {"\xff\xfe<\x00?\x00", applehealth.ErrMalformed},
		"another root":         {`<ClinicalDocument xmlns="urn:hl7-org:v3"></ClinicalDocument>`, applehealth.ErrNotExport},
		"a web page":           {"<!DOCTYPE html><html></html>", applehealth.ErrNotExport},
		"cut in a tag":         {whole[:len(whole)-60], applehealth.ErrTruncated},
		"cut between tags":     {strings.TrimSuffix(whole, "</HealthData>"), applehealth.ErrTruncated},
		"cut in the DTD":       {"<!DOCTYPE HealthData [ <!ELEMENT", applehealth.ErrMalformed},
		"cut in a comment":     {"<HealthData><!-- never", applehealth.ErrTruncated},
		"crossed elements":     {"<HealthData><A><B></A></B></HealthData>", applehealth.ErrMalformed},
		"two roots":            {whole + "<HealthData/>", applehealth.ErrMalformed},
		"too deep":             {"<HealthData>" + strings.Repeat("<A>", 100), applehealth.ErrMalformed},
		"a quote that is lost": {inRoot(step(`value="123"`, `value="123`) + strings.Repeat(" ", 2<<20)), applehealth.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := collect(t, c.document); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
	_, sum, err := collect(t, whole[:len(whole)-60])
	if err == nil || !strings.Contains(err.Error(), "and 1 records") || sum.Steps != 1 {
		t.Errorf("a cut document says %v after %d steps", err, sum.Steps)
	}
}

func TestEmptyExportIsNoError(t *testing.T) {
	for _, document := range []string{"<HealthData/>", inRoot(""), "\xef\xbb\xbf" + inRoot("")} {
		if samples, sum, err := collect(t, document); err != nil || samples != nil || sum.Records != 0 {
			t.Errorf("%d samples, error %v", len(samples), err)
		}
	}
}

func TestYieldAndContextEndTheReading(t *testing.T) {
	stop := errors.New("enough")
	read := func(ctx context.Context, yield func(applehealth.Sample) error) error {
		_, err := applehealth.ReadXML(ctx, strings.NewReader(inRoot(step())), 0, applehealth.Options{}, yield)
		return err
	}
	if err := read(t.Context(), func(applehealth.Sample) error { return stop }); err != stop { //nolint:errorlint // promised unchanged
		t.Errorf("error of yield came back as %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := read(ctx, func(applehealth.Sample) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v after cancelling", err)
	}
}
