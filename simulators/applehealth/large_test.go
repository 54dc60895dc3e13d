package applehealth_test

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"healthgraph/simulators/applehealth"
)

// writeLarge writes an export of about the given size, as varied as real ones:
// every fourth record counts steps.
func writeLarge(w io.Writer, size int64) (steps int64, err error) {
	b := bufio.NewWriterSize(w, 1<<16)
	written, _ := b.WriteString("<?xml version=\"1.0\"?>\n<!DOCTYPE HealthData [\n<!ELEMENT HealthData ANY>\n]>\n<HealthData>\n")
	at := time.Date(2016, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))
	const form = "2006-01-02 15:04:05 -0700"
	for i := 0; int64(written) < size; i++ {
		at = at.Add(97 * time.Second)
		start, end := at.Format(form), at.Add(time.Minute).Format(form)
		var n int
		if i%4 == 0 {
			steps++
			n, err = fmt.Fprintf(b, " <Record type=\"HKQuantityTypeIdentifierStepCount\" sourceName=\"Phone\" sourceVersion=\"17.%d\""+
				" device=\"&lt;&lt;HKDevice: 0x%x&gt;, name:iPhone, manufacturer:Apple Inc., model:iPhone, hardware:iPhone14,5, software:17.3&gt;\""+
				" unit=\"count\" creationDate=%q startDate=%q endDate=%q value=\"%d\"/>\n", i%9, i%5000, end, start, end, i%400)
		} else {
			n, err = fmt.Fprintf(b, " <Record type=\"HKQuantityTypeIdentifierHeartRate\" sourceName=\"Watch\" unit=\"count/min\""+
				" creationDate=%q startDate=%q endDate=%q value=\"%d\">\n  <MetadataEntry key=\"HKMetadataKeyHeartRateMotionContext\" value=\"0\"/>\n </Record>\n",
				end, start, end, 50+i%90)
		}
		if err != nil {
			return steps, err
		}
		written += n
	}
	_, err = b.WriteString("</HealthData>\n")
	return steps, errors.Join(err, b.Flush())
}

func TestMemoryStaysFlat(t *testing.T) {
	const size, bound = 200 << 20, 8 << 20
	r, w := io.Pipe()
	wrote := make(chan int64, 1)
	go func() {
		steps, err := writeLarge(w, size)
		wrote <- steps
		_ = w.CloseWithError(err)
	}()
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, most := heap(), int64(0)
	calls, last, began := 0, applehealth.Progress{}, time.Now()
	var seen int64
	sum, err := applehealth.ReadXML(t.Context(), r, size, applehealth.Options{Progress: func(p applehealth.Progress) {
		if p.Done < last.Done || p.Records < last.Records || p.Steps < last.Steps || p.Total != size {
			t.Errorf("progress went from %+v to %+v", last, p)
		}
		last = p
		calls++
	}}, func(applehealth.Sample) error {
		if seen++; seen%40_000 == 0 {
			most = max(most, heap()-before)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := <-wrote; sum.Steps != want || seen != want {
		t.Errorf("%d steps of %d", sum.Steps, want)
	}
	if most > bound {
		t.Errorf("the heap grew by %d MiB, more than %d", most>>20, bound>>20)
	}
	if last.Steps != sum.Steps || last.Records != sum.Records || last.Done != sum.Bytes {
		t.Errorf("the last progress %+v is not the summary %+v", last, sum)
	}
	// Ten a second, one at the start and one at the end.
	if most := int(time.Since(began)/(100*time.Millisecond)) + 2; calls > most || calls < 1 {
		t.Errorf("%d calls of progress, want 1 to %d", calls, most)
	}
}

func BenchmarkReadXML(b *testing.B) {
	var document strings.Builder
	if _, err := writeLarge(&document, 32<<20); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(document.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := applehealth.ReadXML(b.Context(), strings.NewReader(document.String()), 0, applehealth.Options{}, discard); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadZip(b *testing.B) {
	path := filepath.Join(b.TempDir(), "export.zip")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	archive := zip.NewWriter(f)
	document, err := archive.Create("apple_health_export/export.xml")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := writeLarge(document, 32<<20); err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(archive.Close(), f.Close()); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(32 << 20)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := applehealth.Read(b.Context(), path, applehealth.Options{}, discard); err != nil {
			b.Fatal(err)
		}
	}
}

func discard(applehealth.Sample) error { return nil }
