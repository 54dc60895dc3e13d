package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxImportLine is the longest line of an import file, in bytes without its end.
const maxImportLine = 64 << 10

// The columns of an import file, in any order; a file may lack one of the last two.
const (
	columnPerson   = "person"
	columnAccount  = "account_id"
	columnRefresh  = "refresh_token"
	columnPersonal = "personal_access_token"
)

var importColumns = []string{columnPerson, columnAccount, columnRefresh, columnPersonal}

// importFile reads people's grants from CSV (RFC 4180) line by line, in bounded memory. A line is a record: a quoted field can't
// go on behind the line's end, so that a quote that is never closed spoils its own line alone. No error repeats any of the file.
type importFile struct {
	in      *bufio.Reader
	number  int // of the line read last, from 1
	columns []string
}

// importRow is one line. With a problem, the fields are not to be used.
type importRow struct {
	line    int
	fields  map[string]string // by column
	problem string
}

// newImportFile reads the header. A byte order mark before it is passed over.
func newImportFile(in io.Reader) (*importFile, error) {
	f := &importFile{in: bufio.NewReaderSize(in, maxImportLine+len("\r\n"))}
	line, problem, err := f.readLine()
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the file is empty: its first line names the columns, such as person,account_id,refresh_token")
	case err != nil:
		return nil, err
	}
	if problem == "" {
		f.columns, problem = splitLine(strings.TrimPrefix(line, "\ufeff"))
	}
	if problem == "" {
		problem = f.headerProblem()
	}
	if problem != "" {
		return nil, errors.New("line 1 has to name the columns, which are " + strings.Join(importColumns, ", ") + ": " + problem)
	}
	return f, nil
}

func (f *importFile) headerProblem() string {
	for i, column := range f.columns {
		switch {
		case !slices.Contains(importColumns, column):
			return fmt.Sprintf("column %d is none of them", i+1)
		case slices.Contains(f.columns[:i], column):
			return column + " is there twice"
		}
	}
	for _, column := range []string{columnPerson, columnAccount} {
		if !slices.Contains(f.columns, column) {
			return column + " is missing"
		}
	}
	if len(f.columns) == 2 {
		return "there is neither " + columnRefresh + " nor " + columnPersonal
	}
	return ""
}

// next gives the next line that is not blank; io.EOF after the last.
func (f *importFile) next() (importRow, error) {
	for {
		line, problem, err := f.readLine()
		if err != nil {
			return importRow{}, err
		}
		row := importRow{line: f.number, problem: problem}
		if problem == "" {
			if line == "" {
				continue
			}
			row.read(line, f.columns)
		}
		return row, nil
	}
}

func (row *importRow) read(line string, columns []string) {
	fields, problem := splitLine(line)
	switch {
	case problem != "":
		row.problem = problem
		return
	case len(fields) != len(columns):
		row.problem = fmt.Sprintf("%d fields where the header has %d", len(fields), len(columns))
		return
	}
	row.fields = make(map[string]string, len(columns))
	for i, column := range columns {
		row.fields[column] = fields[i]
	}
	switch refresh, personal := row.fields[columnRefresh] != "", row.fields[columnPersonal] != ""; {
	case refresh && personal:
		row.problem = "both " + columnRefresh + " and " + columnPersonal + ": one of them, not both"
	case !refresh && !personal:
		row.problem = "neither " + columnRefresh + " nor " + columnPersonal
	}
}

// readLine gives the next line without its end, LF or CRLF, or what is wrong with its bytes.
func (f *importFile) readLine() (line, problem string, err error) {
	read, err := f.in.ReadSlice('\n')
	long := errors.Is(err, bufio.ErrBufferFull)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = f.in.ReadSlice('\n')
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return "", "", fmt.Errorf("the file can't be read on behind line %d: %w", f.number, err)
	case err != nil && len(read) == 0 && !long:
		return "", "", io.EOF
	}
	f.number++
	read = bytes.TrimSuffix(bytes.TrimSuffix(read, []byte("\n")), []byte("\r"))
	switch {
	case long || len(read) > maxImportLine:
		return "", fmt.Sprintf("more than %d bytes", maxImportLine), nil
	case !utf8.Valid(read):
		return "", "not UTF-8", nil
	case bytes.IndexByte(read, 0) >= 0:
		return "", "a NUL byte", nil
	}
	return string(read), "", nil
}

// splitLine splits a line into its fields.
func splitLine(line string) (fields []string, problem string) {
	for {
		var field string
		if quoted, isQuoted := strings.CutPrefix(line, `"`); isQuoted {
			var closed bool
			if field, line, closed = cutQuoted(quoted); !closed {
				return nil, "a quote that is not closed on its line"
			}
		} else {
			end := strings.IndexByte(line, ',')
			if end < 0 {
				end = len(line)
			}
			if field, line = line[:end], line[end:]; strings.Contains(field, `"`) {
				return nil, "a quote in a field that does not begin with one"
			}
		}
		fields = append(fields, field)
		if line == "" {
			return fields, ""
		}
		if line[0] != ',' {
			return nil, "text behind a closing quote"
		}
		line = line[1:]
	}
}

// cutQuoted gives the field up to its closing quote, two quotes being one of the field's own, and what is behind it.
func cutQuoted(text string) (field, rest string, closed bool) {
	for from := 0; ; {
		at := strings.IndexByte(text[from:], '"')
		switch {
		case at < 0:
			return "", "", false
		case strings.HasPrefix(text[from+at+1:], `"`):
			from += at + 2
		default:
			return strings.ReplaceAll(text[:from+at], `""`, `"`), text[from+at+1:], true
		}
	}
}
