package applehealth_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"healthgraph/simulators/applehealth"
)

// FuzzReadXML holds that any bytes end in an error of this package or in
// samples that keep the promises of [applehealth.Sample], and that how the
// bytes arrive makes no difference.
func FuzzReadXML(f *testing.F) {
	export, err := os.ReadFile(filepath.Join("testdata", "export.xml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(export)
	for _, seed := range []string{
		"", "<", "<>", "</>", "<HealthData", "<HealthData/>", "<!DOCTYPE HealthData [", "<!-", "<?x?><HealthData></HealthData>",
		inRoot(step()), inRoot(step("Phone", "a > 'b'")), inRoot(step(`"123"`, `"1e-400"`)), inRoot("<Record type>"),
		inRoot(`<Record type = "HKQuantityTypeIdentifierStepCount" value=1 value="&#x110000;"/>`),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var samples []applehealth.Sample
		sum, err := applehealth.ReadXML(t.Context(), bytes.NewReader(data), 0, applehealth.Options{}, func(s applehealth.Sample) error {
			samples = append(samples, s)
			return nil
		})
		if err != nil && !errors.Is(err, applehealth.ErrMalformed) && !errors.Is(err, applehealth.ErrNotExport) &&
			!errors.Is(err, applehealth.ErrTruncated) {
			t.Errorf("an error of another kind: %v", err)
		}
		if sum.Steps != int64(len(samples)) || sum.Bytes > int64(len(data)) || sum.Records < sum.Steps {
			t.Errorf("%d samples of %d bytes, summary %+v", len(samples), len(data), sum)
		}
		for _, s := range samples {
			if s.End.Before(s.Start) || s.Value < 0 || math.IsNaN(s.Value) || math.IsInf(s.Value, 0) ||
				!utf8.ValidString(s.Source) || !utf8.ValidString(s.Product) {
				t.Errorf("a sample that should have been refused: %+v", s)
			}
		}
		var again []applehealth.Sample
		sumAgain, errAgain := applehealth.ReadXML(t.Context(), iotest.OneByteReader(bytes.NewReader(data)), 0, applehealth.Options{},
			func(s applehealth.Sample) error {
				again = append(again, s)
				return nil
			})
		if diff := cmp.Diff(samples, again); diff != "" || (err == nil) != (errAgain == nil) {
			t.Errorf("byte by byte: error %v and then %v\n%s", err, errAgain, diff)
		}
		if err == nil && !cmp.Equal(sum, sumAgain) {
			t.Errorf("byte by byte: summary %+v and then %+v", sum, sumAgain)
		}
	})
}
