package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// formatVersion is the version of the file's form. A file of a later one is
// refused.
const formatVersion = 1

// head is the first object of a line; one of its fields is set. A head with
// none is of a later version, and passed over.
type head struct {
	Header *headerEntry `json:"header,omitempty"`
	Start  *startEntry  `json:"start,omitempty"`
	Record *scopeEntry  `json:"record,omitempty"`
	End    *endEntry    `json:"end,omitempty"`
	Step   *stepEntry   `json:"step,omitempty"`
	Begin  *beginEntry  `json:"begin,omitempty"`
	Done   *doneEntry   `json:"done,omitempty"`
	Told   *toldEntry   `json:"told,omitempty"`
	Passed *passedEntry `json:"passed,omitempty"`
}

// headerEntry is the first line of a file, and the first start of its run.
type headerEntry struct {
	Version  int             `json:"version"`
	ID       text            `json:"id"`
	Pipeline text            `json:"pipeline"`
	Plan     text            `json:"plan"`
	Input    text            `json:"input,omitempty"`
	TraceID  text            `json:"trace_id,omitempty"`
	SpanID   text            `json:"span_id,omitempty"`
	Parent   text            `json:"parent_span_id,omitempty"`
	Flags    byte            `json:"flags,omitempty"`
	State    text            `json:"trace_state,omitempty"`
	Started  time.Time       `json:"started"`
	Config   json.RawMessage `json:"config,omitempty"`
	PID      int             `json:"pid"`
}

// startEntry is a later start.
type startEntry struct {
	Number int       `json:"number"` // 2 for the second start
	At     time.Time `json:"at"`
	PID    int       `json:"pid"`
	Cut    int64     `json:"cut,omitempty"` // bytes of a torn tail
	// Alive is the last sign of life of the start before this one, if that has left
	// something open.
	Alive time.Time `json:"alive,omitzero"`
}

// scopeEntry is what the index needs to know of a record.
type scopeEntry struct {
	Kind    text   `json:"kind"`
	Path    text   `json:"path"`
	Attempt int    `json:"attempt"`
	Status  string `json:"status"`
	Kept    bool   `json:"kept"` // the outputs
	SpanID  text   `json:"span_id,omitempty"`
}

// recordEntry is the rest of a record, the body of its line. A slice that is nil
// is left out, and one of length 0 is not.
type recordEntry struct {
	Started   time.Time         `json:"started,omitzero"`
	Ended     time.Time         `json:"ended,omitzero"`
	Key       string            `json:"key,omitempty"`
	Inputs    []json.RawMessage `json:"inputs,omitzero"`
	Outputs   []json.RawMessage `json:"outputs,omitzero"`
	Message   string            `json:"message,omitempty"`
	ErrorType string            `json:"error_type,omitempty"`
	TraceID   text              `json:"trace_id,omitempty"`

	Metrics map[string]float64 `json:"metrics,omitempty"`
}

// endEntry is the end of a start that was not killed.
type endEntry struct {
	// Left says that earlier ones were killed, and that nobody was told of it. It
	// comes first, where isOver looks for it.
	Left    bool      `json:"left,omitempty"`
	Result  string    `json:"result"`
	Message string    `json:"message,omitempty"`
	At      time.Time `json:"at"`
}

// text is a string that survives JSON even where it is not UTF-8: as an array
// of its bytes in base64 then.
type text string

func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal([][]byte{[]byte(t)})
}

func (t *text) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '[' {
		return json.Unmarshal(data, (*string)(t))
	}
	var parts [][]byte
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	*t = text(bytes.Join(parts, nil))
	return nil
}

func newHeaderEntry(h Header, pid int) *headerEntry {
	return &headerEntry{
		Version: formatVersion, ID: text(h.ID), Pipeline: text(h.Pipeline), Plan: text(h.Plan), Input: text(h.Input),
		TraceID: text(h.TraceID), SpanID: text(h.SpanID), Parent: text(h.ParentSpanID), Flags: h.Flags,
		State: text(h.TraceState), Started: h.Started.UTC(), Config: h.Config, PID: pid,
	}
}

func (e *headerEntry) header() Header {
	return Header{
		ID: string(e.ID), Pipeline: string(e.Pipeline), Plan: string(e.Plan), Input: string(e.Input),
		TraceID: string(e.TraceID), SpanID: string(e.SpanID), ParentSpanID: string(e.Parent), Flags: e.Flags,
		TraceState: string(e.State), Started: e.Started, Config: e.Config,
	}
}

// makeRecord encodes the line of a record.
func makeRecord(buf *bytes.Buffer, r Record) error {
	size := 0
	for _, values := range [][]json.RawMessage{r.Inputs, r.Outputs} {
		for _, v := range values {
			size += len(v)
		}
	}
	if size > MaxRecord { // so that it is not encoded only to be refused
		return fmt.Errorf("its values have %d bytes, and %d are allowed: %w", size, MaxRecord, ErrTooLarge)
	}
	scope := &scopeEntry{Kind: text(r.Kind), Path: text(r.Path), Attempt: r.Attempt, Status: r.Status, Kept: r.Outputs != nil, SpanID: text(r.SpanID)}
	return makeLine(buf, head{Record: scope}, recordEntry{
		Started: utc(r.Started), Ended: utc(r.Ended), Key: r.Key, Inputs: r.Inputs, Outputs: r.Outputs,
		Message: r.Message, ErrorType: r.ErrorType, TraceID: text(r.TraceID), Metrics: r.Metrics,
	})
}

// utc keeps the zero time, which is left out.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// isRecord tells whether a payload is a record, without decoding it.
func isRecord(payload []byte) bool { return bytes.HasPrefix(payload, []byte(`{"record":`)) }

// readHead decodes the head of a payload and returns the body as well.
func readHead(payload []byte) (h head, body []byte, err error) {
	first, body, _ := bytes.Cut(payload, []byte{'\t'})
	if err := json.Unmarshal(first, &h); err != nil {
		return head{}, nil, err
	}
	return h, body, nil
}

// readRecord decodes a payload that is a record.
func readRecord(payload []byte) (Record, error) {
	h, body, err := readHead(payload)
	if err != nil {
		return Record{}, err
	}
	if h.Record == nil {
		return Record{}, errors.New("the line is no record")
	}
	var e recordEntry
	if err := json.Unmarshal(body, &e); err != nil {
		return Record{}, err
	}
	return Record{
		Path: string(h.Record.Path), Kind: string(h.Record.Kind), Attempt: h.Record.Attempt, Status: h.Record.Status,
		Started: e.Started, Ended: e.Ended, Key: e.Key, Inputs: e.Inputs, Outputs: e.Outputs,
		Message: e.Message, ErrorType: e.ErrorType, TraceID: string(e.TraceID), SpanID: string(h.Record.SpanID), Metrics: e.Metrics,
	}, nil
}
