package applehealth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	bufferSize = 256 << 10
	// maxTag is the longest single tag accepted. Real tags stay below a few
	// kilobytes; the limit keeps a missing quote from swallowing gigabytes.
	maxTag = 1 << 20
)

// scanner cuts a document into tags. It knows of XML what an export needs:
// tags, comments, processing instructions, CDATA and one document type whose
// contents it passes over without understanding them. Text is passed over too.
type scanner struct {
	r      io.Reader
	buf    []byte
	at     int   // next byte to look at
	end    int   // end of the bytes that were read
	base   int64 // position of buf[0] in the document
	eof    bool
	onFill func() error // called before each read, to stop or to report
}

func newScanner(r io.Reader, onFill func() error) *scanner {
	return &scanner{r: r, buf: make([]byte, bufferSize), onFill: onFill}
}

// position is how many bytes of the document have been passed.
func (s *scanner) position() int64 { return s.base + int64(s.at) }

// fill reads more, keeping the bytes from s.at on. It answers io.EOF when
// there are no more.
func (s *scanner) fill() error {
	if s.eof {
		return io.EOF
	}
	if err := s.onFill(); err != nil {
		return err
	}
	if s.at > 0 {
		copy(s.buf, s.buf[s.at:s.end])
		s.base += int64(s.at)
		s.end -= s.at
		s.at = 0
	}
	if s.end == len(s.buf) {
		if len(s.buf) >= maxTag {
			return s.malformed("a tag without end")
		}
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for empty := 0; ; empty++ {
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		switch {
		case errors.Is(err, io.EOF):
			s.eof = true
			if n == 0 {
				return io.EOF
			}
			return nil
		case err != nil:
			return fmt.Errorf("%w (%d bytes were read)", translate(err), s.base+int64(s.end))
		case n > 0:
			return nil
		case empty == 100:
			return io.ErrNoProgress
		}
	}
}

func (s *scanner) malformed(what string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrMalformed, what, s.position())
}

// have makes sure that n bytes follow, and answers false at the end.
func (s *scanner) have(n int) (bool, error) {
	for s.end-s.at < n {
		if err := s.fill(); errors.Is(err, io.EOF) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

// skipPast moves behind the next occurrence of mark.
func (s *scanner) skipPast(mark string) error {
	for {
		if i := bytes.Index(s.buf[s.at:s.end], []byte(mark)); i >= 0 {
			s.at += i + len(mark)
			return nil
		}
		s.at = max(s.at, s.end-len(mark)+1)
		if err := s.fill(); err != nil {
			return err
		}
	}
}

// next answers the next start or end tag, from < to > inclusive. The bytes
// are valid until the following call. At the end of the document, and inside
// a construct that the end cuts off, the error is io.EOF.
func (s *scanner) next() ([]byte, error) {
	for {
		i := bytes.IndexByte(s.buf[s.at:s.end], '<')
		if i < 0 {
			s.at = s.end
			if err := s.fill(); err != nil {
				return nil, err
			}
			continue
		}
		s.at += i
		if ok, err := s.have(2); err != nil {
			return nil, err
		} else if !ok {
			return nil, io.EOF
		}
		var err error
		switch s.buf[s.at+1] {
		case '?':
			err = s.skipPast("?>")
		case '!':
			err = s.skipDeclaration()
		default:
			return s.tag()
		}
		if err != nil {
			return nil, err
		}
	}
}

// skipDeclaration passes a comment, a CDATA section or the document type.
func (s *scanner) skipDeclaration() error {
	for _, kind := range []struct{ open, close string }{{"<!--", "-->"}, {"<![CDATA[", "]]>"}} {
		ok, err := s.have(len(kind.open))
		if err != nil {
			return err
		}
		if ok && string(s.buf[s.at:s.at+len(kind.open)]) == kind.open {
			s.at += len(kind.open)
			return s.skipPast(kind.close)
		}
	}
	return s.skipDoctype()
}

// skipDoctype passes <!DOCTYPE … [ … ]>. Brackets and quotes inside are not
// paired, because Apple forgets some of them: what ends the internal subset is
// a "]" that a ">" follows, outside of comments.
func (s *scanner) skipDoctype() error {
	internal := false
	for {
		if ok, err := s.have(len("<!--")); err != nil {
			return err
		} else if !ok && s.at == s.end {
			return io.EOF
		}
		c := s.buf[s.at]
		switch {
		case c == '<' && bytes.HasPrefix(s.buf[s.at:s.end], []byte("<!--")):
			s.at += len("<!--")
			if err := s.skipPast("-->"); err != nil {
				return err
			}
			continue
		case c == '[':
			internal = true
		case c == ']':
			internal = false
		case c == '>' && !internal:
			s.at++
			return nil
		}
		s.at++
	}
}

// tag answers the tag at s.at. A ">" within quotes does not end it.
func (s *scanner) tag() ([]byte, error) {
	var quote byte
	for i := 1; ; {
		if s.at+i >= s.end {
			if err := s.fill(); err != nil {
				return nil, err
			}
		}
		window := s.buf[s.at+i : s.end]
		if quote != 0 {
			j := bytes.IndexByte(window, quote)
			if j < 0 {
				i += len(window)
				continue
			}
			i, quote = i+j+1, 0
			continue
		}
		for _, c := range window {
			i++
			if c == '>' {
				tag := s.buf[s.at : s.at+i]
				s.at += i
				return tag, nil
			}
			if c == '"' || c == '\'' {
				quote = c
				break
			}
		}
	}
}
