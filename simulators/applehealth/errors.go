package applehealth

import (
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"archive/zip"
)

// What can be wrong with an export as a whole. Errors wrap one of these and
// add where the reading stood.
var (
	// ErrTruncated: the document ends before its root element does, as after
	// an interrupted copy.
	ErrTruncated = errors.New("the Apple Health export is cut short")
	// ErrDamaged: the zip cannot be unpacked, or its checksum is wrong.
	ErrDamaged = errors.New("the zip is damaged")
	// ErrMalformed: the document is not XML that can be followed.
	ErrMalformed = errors.New("the document is not readable XML")
	// ErrNotExport: the document is XML, but its root is not HealthData.
	ErrNotExport = errors.New("not an Apple Health export")
	// ErrNoExport: no XML document in the zip has the root HealthData.
	ErrNoExport = errors.New("the zip holds no Apple Health export")
	// ErrEncrypted: the export in the zip needs a password.
	ErrEncrypted = errors.New("the zip is encrypted; unpack it first")
	// ErrUnsupported: the export in the zip is packed by an unknown method.
	ErrUnsupported = errors.New("the zip uses a compression that is not supported; unpack it first")
)

// translate turns an error of a reader into one of this package's. The errors
// of the file system lose their path: it may name the person.
func translate(err error) error {
	var corrupt flate.CorruptInputError
	var path *fs.PathError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ErrTruncated
	case errors.Is(err, zip.ErrAlgorithm):
		return ErrUnsupported
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.As(err, &corrupt):
		return ErrDamaged
	case errors.As(err, &path):
		return fmt.Errorf("the export cannot be read: %w", path.Err)
	default:
		return err
	}
}
