package manifest

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// checkForms checks the durations and sizes of a document, which the schema
// knows as strings.
func (p *parser) checkForms(doc any) {
	ownSchema().each(doc, func(form string, value any, location []string) any {
		text, ok := value.(string)
		pl := p.locate(p.root, "", location)
		if !ok || p.broken[pl.node] {
			return value
		}
		if _, err := parseForm(form, text); err != nil {
			p.errorf(pl.node, pl.path, "%q %v", p.shown(pl.node), err)
			return value
		}
		if n, _ := parseSize(text); form == "size" && n < minQueue {
			p.errorf(pl.node, pl.path, "%q is less than 1 MiB", p.shown(pl.node))
		}
		return value
	})
}

// minQueue holds some large events.
const minQueue = 1 << 20

// parseForm returns a duration in nanoseconds, or a size in bytes.
func parseForm(form, text string) (int64, error) {
	if form == "size" {
		return parseSize(text)
	}
	switch d, err := time.ParseDuration(text); {
	case err != nil:
		return 0, errors.New("is not a duration; write it like 3s, 500ms or 1m30s")
	case d <= 0:
		return 0, errors.New("is not longer than zero; write it like 3s")
	default:
		return int64(d), nil
	}
}

var units = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}}

func parseSize(text string) (int64, error) {
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 63)
		if err != nil || n > uint64(math.MaxInt64/u.bytes) {
			break
		}
		return int64(n) * u.bytes, nil
	}
	return 0, errors.New("is not a size; write it like 64MiB, 512KiB or 1GiB")
}

// typed replaces the durations and sizes of a checked document by numbers.
func typed(doc any) (any, error) {
	var errs []error
	doc = ownSchema().each(doc, func(form string, value any, location []string) any {
		n, err := parseForm(form, fmt.Sprint(value))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", joinTokens(location), err))
		}
		return n
	})
	return doc, errors.Join(errs...)
}
