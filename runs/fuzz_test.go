package runs

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"testing"
)

// FuzzScan reads any bytes as a file: lines that it finds stand in it, in order
// and with their checksum, and what they hold survives being written again.
func FuzzScan(f *testing.F) {
	path, _ := sample(f, f.TempDir(), "x")
	content, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add(content[:len(content)/2])
	f.Add(bytes.ReplaceAll(content, []byte("p/"), []byte("\n/")))
	f.Add([]byte(`{"record":{"path":["/w=="]}}` + "\t" + `{"outputs":[1]}`))
	f.Add([]byte("00000000 00000000 \n\n00000000 00ffffff x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		again(t, data) // no checksum protects it here
		s := scanner{from: bytes.NewReader(data), size: int64(len(data))}
		behind := int64(0)
		var starts []int64
		for {
			at, sum, payload, err := s.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			stop := at + prefixLen + int64(len(payload)) + 1
			if at < behind || stop > int64(len(data)) || !bytes.Equal(payload, data[at+prefixLen:stop-1]) {
				t.Fatalf("a line at %d to %d, behind %d", at, stop, behind)
			}
			behind = stop
			starts = append(starts, at)
			if at == 0 {
				s.seed = sum
			}
			again(t, payload)
		}
		if s.pos < behind || bytes.IndexByte(data[s.pos:], '\n') >= 0 && s.pos != int64(len(data)) {
			t.Fatalf("the tail begins at %d", s.pos)
		}
		if parts, err := byParts(data); err == nil && !slices.Equal(starts, parts) {
			t.Fatalf("lines by parts at %v, at once at %v", parts, starts)
		}
	})
}

// byParts returns where the lines start that a scanner finds with a small budget
// each time. It fails where too much is damaged.
func byParts(data []byte) (starts []int64, err error) {
	budget := int64(1)
	s := scanner{from: bytes.NewReader(data), size: int64(len(data)), budget: &budget}
	for {
		at, sum, _, err := s.next()
		switch {
		case errors.Is(err, errSpent):
			budget, s.buf = 700, nil
			continue
		case errors.Is(err, io.EOF):
			return starts, nil
		case err != nil:
			return nil, err
		}
		starts = append(starts, at)
		if at == 0 {
			s.seed = sum
		}
	}
}

// again writes a payload that is a record once more.
func again(t *testing.T, payload []byte) {
	t.Helper()
	r, err := readRecord(payload)
	var buf bytes.Buffer
	if err != nil || makeRecord(&buf, r) != nil {
		return
	}
	sealLine(7, buf.Bytes())
	_, payload, ok := readLine(7, buf.Bytes())
	if !ok || !isRecord(payload) {
		t.Fatalf("%q", buf.Bytes())
	}
	if r2, err := readRecord(payload); err != nil || r2.Path != r.Path || r2.Kind != r.Kind || r2.Status != r.Status ||
		len(r2.Outputs) != len(r.Outputs) || (r2.Outputs == nil) != (r.Outputs == nil) || !r2.Started.Equal(r.Started) {
		t.Fatalf("%+v has become %+v (%v)", r, r2, err)
	}
}
