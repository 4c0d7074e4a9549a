//go:build unix

package spanloom_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/internal/otlptest"
)

// TestReloadLosesNoSpool: what is kept goes to the successor with the same directory, or
// stays in the ledger.
func TestReloadLosesNoSpool(t *testing.T) {
	const entry = "  backends:\n    - { plugin: otlp, name: main, delivery: { durable: %t }, config: { endpoint: %q } }\n"
	for _, durable := range []bool{true, false} {
		t.Run(fmt.Sprintf("durable %t", durable), func(t *testing.T) {
			t.Setenv("XDG_STATE_HOME", t.TempDir())
			c := otlptest.Start(t, nil)
			path := filepath.Join(t.TempDir(), "spanloom.yaml")
			writeManifestf(t, path, entry, true, otlptest.Refused(t))
			tel := reloadable(t, path)
			one(t, tel)
			writeManifestf(t, path, entry, durable, c.Endpoint)
			text, err := os.ReadFile(path)
			if err == nil { // in the same edit
				err = os.WriteFile(path, []byte(strings.Replace(string(text), "name: shop", "name: store", 1)), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tel.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := tel.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			st := tel.Stats()[0]
			if st.Emitted != st.Delivered+st.Kept || st.Lost() > 0 || (st.Kept == 0) != durable {
				t.Error(st.Ledger())
			}
			if !durable && !strings.HasSuffix(st.Ledger(), " kept") {
				t.Error(st.Ledger())
			}
			if durable && (st.Spool.Adopted == 0 || st.Spool.Delivered != st.Spool.Adopted) {
				t.Errorf("%s: %+v", st.Ledger(), st.Spool)
			}
			if err := tel.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			if n := len(c.AllSpans()); (n >= 3) != durable {
				t.Errorf("%d spans", n)
			}
		})
	}
}
