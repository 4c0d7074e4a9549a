package runs

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// TestModel holds a run against a map, through appends, ends and tails that were
// torn.
func TestModel(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		id := string(rune('a'+run%26)) + rapid.String().Draw(t, "id")
		defer d.Remove(t.Context(), id)
		open := func() Log {
			l, err := d.Open(t.Context(), Header{ID: id}, nil)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		l, starts, result := open(), 1, ""
		defer func() { _ = l.Close("", "") }()
		type key struct{ kind, path string }
		done := map[key]Record{}
		var all []Record
		kinds := rapid.SampledFrom([]string{"node", "map_item", ""})
		paths := rapid.OneOf(rapid.SampledFrom([]string{"a", "a/b", "ab", ""}), rapid.StringN(0, 5, -1))
		values := rapid.SliceOfN(rapid.SampledFrom([]string{`1`, `"<\n>"`, `{"a":[]}`, `null`}), 0, 3)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				r := Record{
					Kind: kinds.Draw(t, "kind"), Path: paths.Draw(t, "path"), Attempt: rapid.IntRange(1, 3).Draw(t, "attempt"),
					Status:  rapid.SampledFrom([]string{"success", "cached", "failure", "skip"}).Draw(t, "status"),
					Message: rapid.String().Draw(t, "message"),
					SpanID:  rapid.SampledFrom([]string{"", "00f067aa0ba902b7"}).Draw(t, "span"),
				}
				if rapid.Bool().Draw(t, "kept") {
					r.Outputs = raw(values.Draw(t, "outputs")...)
				}
				if err := l.Append(r); err != nil {
					t.Fatal(err)
				}
				all = append(all, r)
				if finished(r.Status) {
					done[key{r.Kind, r.Path}] = r
				}
			},
			"reopen": func(t *rapid.T) {
				result = rapid.SampledFrom([]string{"", "success"}).Draw(t, "result")
				if err := l.Close(result, "m"); err != nil {
					t.Fatal(err)
				}
				if rapid.Bool().Draw(t, "torn") {
					f, err := os.OpenFile(filepath.Join(dir, fileName(id)), os.O_WRONLY|os.O_APPEND, 0)
					if err != nil {
						t.Fatal(err)
					}
					_, _ = f.WriteString(rapid.StringMatching(`[0-9a-f {}\t]{0,40}`).Draw(t, "tail"))
					_ = f.Close()
				}
				if s, err := d.Stat(id); err != nil || s.Result != result {
					t.Fatal(s, err)
				}
				l = open()
				if _, n := l.First(); n != starts {
					t.Fatalf("%d starts, want %d", n, starts)
				}
				starts++
			},
			"": func(t *rapid.T) {
				k := key{kinds.Draw(t, "kind"), paths.Draw(t, "path")}
				for k := range done {
					checkFinished(t, l, k.kind, k.path, done[k])
				}
				checkFinished(t, l, k.kind, k.path, done[k])
				i := 0
				for r, err := range d.Read(id) {
					if err != nil || i >= len(all) || !reflect.DeepEqual(r, all[i]) {
						t.Fatal(i, r, err)
					}
					i++
				}
				if s, err := d.Stat(id); err != nil || i != len(all) || s.Records != i || s.Starts != starts || s.Damaged != 0 {
					t.Fatal(i, len(all), s, err)
				}
			},
		})
	})
}

func checkFinished(t *rapid.T, l Log, kind, path string, want Record) {
	t.Helper()
	r, ok, err := l.Finished(kind, path)
	if err != nil || ok != (want.Outputs != nil) || ok && !reflect.DeepEqual(r, want) {
		t.Fatal(kind, path, r, ok, err)
	}
}
