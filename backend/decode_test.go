package backend_test

import (
	"errors"
	"testing"

	"github.com/spanloom/spanloom/backend"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	type inner struct {
		CA string `json:"ca"`
	}
	type config struct {
		Size int              `json:"size"`
		TLS  inner            `json:"tls"`
		Wait backend.Duration `json:"wait"`
	}
	for json, want := range map[string]string{
		`{"size": 3, "tls": {"ca": "x"}}`: "",
		``:                                "",
		`{"size": "3"}`:                   "config.size: a string is no int",
		`{"tls": {"ca": 1}}`:              "config.tls.ca: a number is no string",
		`{"wait": 3}`:                     "config.wait: a number is not a duration; write it like 3s, 500ms or 1m30s",
		`{"tls": {"cert": "x"}}`:          "config.cert: there is no such key",
		`{"size": 1`:                      "not a mistake in a key",
	} {
		var c config
		err := backend.Config{Name: "main", JSON: []byte(json)}.Decode(&c)
		e, isConfig := errors.AsType[*backend.ConfigError](err)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", json, err)
		case want == "not a mistake in a key":
			if err == nil || isConfig {
				t.Errorf("%s: %v", json, err)
			}
		case want != "" && (!isConfig || e.Error() != want):
			t.Errorf("%s: %v, want %s", json, err, want)
		}
	}
}

func TestDurationOfAnotherForm(t *testing.T) {
	t.Parallel()
	const want = `"soon" is not a duration; write it like 3s, 500ms or 1m30s`
	if err := new(backend.Duration).UnmarshalText([]byte("soon")); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
