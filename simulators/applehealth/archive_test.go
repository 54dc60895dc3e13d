package applehealth_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"healthgraph/simulators/applehealth"
)

type entry struct{ name, body string }

func pack(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(e.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readFile writes the bytes to a file whose path must never be in an error.
func readFile(t *testing.T, data []byte) (applehealth.Summary, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "somebody private")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	sum, err := applehealth.Read(t.Context(), path, applehealth.Options{}, func(applehealth.Sample) error { return nil })
	if err != nil && strings.Contains(err.Error(), "somebody private") {
		t.Errorf("the error holds the path: %v", err)
	}
	return sum, err
}

func TestFindsTheExportByItsRoot(t *testing.T) {
	export := inRoot(step())
	clinical := entry{"apple_health_export/export_cda.xml", "<ClinicalDocument>" + strings.Repeat(" ", 10_000) + "</ClinicalDocument>"}
	for name, data := range map[string][]byte{
		"the document itself": []byte(export),
		"English zip":         pack(t, clinical, entry{"apple_health_export/export.xml", export}),
		"Spanish zip":         pack(t, entry{"apple_health_export/Exportación.xml", export}, clinical),
		"name of bad bytes":   pack(t, entry{"apple_health_export/Exportaci\xa2n.XML", export}),
		"beside a shadow":     pack(t, entry{"__MACOSX/apple_health_export/._export.xml", strings.Repeat("\x00\x05", 9000)}, entry{"export.xml", export}),
	} {
		t.Run(name, func(t *testing.T) {
			sum, err := readFile(t, data)
			if err != nil || sum.Steps != 1 || sum.Bytes != int64(len(export)) {
				t.Errorf("%d steps of %d bytes, error %v", sum.Steps, sum.Bytes, err)
			}
		})
	}
}

func TestNamesWhatIsWrongWithAFile(t *testing.T) {
	const name = "apple_health_export/export.xml"
	good := pack(t, entry{name, inRoot(strings.Repeat(step(), 500))})
	directory := bytes.Index(good, []byte("PK\x01\x02"))

	encrypted := bytes.Clone(good)
	encrypted[directory+8] |= 1 // general purpose flags in the directory
	unsupported := bytes.Clone(good)
	unsupported[directory+10] = 99 // compression method in the directory
	checksum := bytes.Clone(good)
	checksum[directory+16] ^= 1 // CRC-32 in the directory
	corrupt := bytes.Clone(good)
	for i := directory / 2; i < directory/2+40; i++ {
		corrupt[i] = 0xff
	}
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"zip cut short":    {good[:len(good)/2], applehealth.ErrDamaged},
		"encrypted":        {encrypted, applehealth.ErrEncrypted},
		"unknown method":   {unsupported, applehealth.ErrUnsupported},
		"wrong checksum":   {checksum, applehealth.ErrDamaged},
		"corrupt contents": {corrupt, applehealth.ErrDamaged},
		"zip of photos":    {pack(t, entry{"photo.jpg", "x"}), applehealth.ErrNoExport},
		"empty zip":        {pack(t), applehealth.ErrNoExport},
		"only clinical":    {pack(t, entry{"export_cda.xml", "<ClinicalDocument/>"}), applehealth.ErrNoExport},
		"empty entry":      {pack(t, entry{name, ""}), applehealth.ErrNoExport},
		"cut before zip":   {pack(t, entry{name, "<HealthData>" + step()}), applehealth.ErrTruncated},
		"another document": {[]byte("<gpx></gpx>"), applehealth.ErrNotExport},
		"a picture":        {[]byte("\x89PNG\r\n\x1a\n"), applehealth.ErrMalformed},
		"two bytes":        {[]byte("PK"), applehealth.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := readFile(t, c.data); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func TestNamesWhatIsWrongWithAPath(t *testing.T) {
	folder := t.TempDir()
	none := func(applehealth.Sample) error { return nil }
	if _, err := applehealth.Read(t.Context(), folder, applehealth.Options{}, none); !errors.Is(err, applehealth.ErrNotExport) {
		t.Errorf("a folder: %v", err)
	}
	_, err := applehealth.Read(t.Context(), filepath.Join(folder, "nowhere"), applehealth.Options{}, none)
	if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "nowhere") {
		t.Errorf("no file: %v", err)
	}
}
