package semconvtest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	yaml "go.yaml.in/yaml/v4"
)

// file is what a file of the registry holds.
type file struct {
	Groups []Group `yaml:"groups"`
}

// head is the first line of every file.
const head = "# Made by the tests of the code that emits these names: run them with -update.\n"

// Hold compares a file of the registry, whose path is that from the test, with the
// groups that it should hold, or writes it.
func Hold(t *testing.T, path string, update bool, groups ...Group) {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(head)
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(file{groups}); err != nil {
		t.Fatal(err)
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	if update {
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	is, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.String(), string(is)); diff != "" {
		t.Errorf("the code has (-), %s has (+); this test with -update writes it:\n%s", path, diff)
	}
}

// Read returns the groups of a file of the registry.
func Read(t *testing.T, path string) []Group {
	t.Helper()
	data, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	var f file
	if err := yaml.Unmarshal(data, &f); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return f.Groups
}
