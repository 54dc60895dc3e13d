package applehealth

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// readPath opens the file and tells a zip from a document by its first bytes.
func readPath(ctx context.Context, path string, opts Options, yield func(Sample) error) (sum Summary, err error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file to read
	if err != nil {
		return Summary{}, translate(err)
	}
	defer func() {
		if closing := f.Close(); err == nil && closing != nil {
			err = translate(closing)
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return Summary{}, translate(err)
	}
	if info.IsDir() {
		return Summary{}, fmt.Errorf("%w: a folder was given instead of the zip or the XML document in it", ErrNotExport)
	}
	var magic [4]byte
	n, err := io.ReadFull(f, magic[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return Summary{}, translate(err)
	}
	if n == 4 && magic[0] == 'P' && magic[1] == 'K' {
		return readZip(ctx, f, info.Size(), opts, yield)
	}
	// The bytes are given back rather than sought, so that pipes work too.
	document := io.MultiReader(strings.NewReader(string(magic[:n])), f)
	return ReadXML(ctx, document, info.Size(), opts, yield)
}

func readZip(ctx context.Context, r io.ReaderAt, size int64, opts Options, yield func(Sample) error) (Summary, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		// The directory of a zip is at its end, so a copy that was cut short
		// looks like this too.
		return Summary{}, fmt.Errorf("%w or cut short: it has no directory", ErrDamaged)
	}
	entry, err := findExport(ctx, archive.File)
	if err != nil {
		return Summary{}, err
	}
	document, err := entry.Open()
	if err != nil {
		return Summary{}, translate(err)
	}
	sum, err := ReadXML(ctx, unpacked{document}, int64(entry.UncompressedSize64), opts, yield) //nolint:gosec // progress only
	if closing := document.Close(); err == nil && closing != nil {
		err = translate(closing)
	}
	return sum, err
}

// unpacked reads an entry of a zip whose directory is there. If its contents
// end too soon, they were not cut off but are wrong.
type unpacked struct{ io.Reader }

func (u unpacked) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = ErrDamaged
	}
	return n, err
}

// findExport picks the XML document whose root is HealthData, the largest
// first. Beside it a zip holds a clinical document (export_cda.xml) and
// routes (.gpx); repacked zips hold the shadows of macOS ("__MACOSX/._…").
func findExport(ctx context.Context, files []*zip.File) (*zip.File, error) {
	var documents []*zip.File
	for _, f := range files {
		if f.Mode().IsRegular() && strings.EqualFold(extension(f.Name), ".xml") {
			documents = append(documents, f)
		}
	}
	slices.SortStableFunc(documents, func(a, b *zip.File) int {
		return cmp.Compare(b.UncompressedSize64, a.UncompressedSize64)
	})
	obstacle := ErrNoExport
	for _, f := range documents {
		err := probe(ctx, f)
		switch {
		case err == nil:
			return f, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(obstacle, ErrNoExport) && !errors.Is(err, ErrNotExport) && !errors.Is(err, ErrMalformed):
			obstacle = err
		}
	}
	return nil, obstacle
}

func extension(name string) string {
	return name[max(strings.LastIndexByte(name, '.'), 0):]
}

// probe answers nil when the entry's root is HealthData. It unpacks no
// further than to the first element.
func probe(ctx context.Context, f *zip.File) (err error) {
	const encrypted = 1 // general purpose flag, bit 0: APPNOTE.TXT 4.4.4
	if f.Flags&encrypted != 0 {
		return ErrEncrypted
	}
	document, err := f.Open()
	if err != nil {
		return translate(err)
	}
	defer func() { err = errors.Join(err, document.Close()) }()
	d := newReading(ctx, document, 0, Options{}, nil)
	if err := d.start(); err != nil {
		return err
	}
	tag, err := d.scan.next()
	if errors.Is(err, io.EOF) {
		return ErrMalformed
	}
	if err != nil {
		return err
	}
	return d.tag(tag)
}
