package privacy

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// text returns s without what is secret: all of it, or its beginning of at least
// n bytes and false. If cut is true, s is only the beginning of a text, and what
// the end of it could be a part of is left out.
func (r *Redactor) text(s string, n int, cut bool) (shown string, all bool) {
	t := scanner{r: r, known: r.values(), s: s, end: len(s), cut: cut}
	if cut {
		t.end = max(len(s)-max(t.known.longest, reach), 0)
	}
	for t.at < t.end && t.length() < n {
		t.step()
	}
	if t.copied == 0 && !t.changed {
		return s[:min(t.at, len(s))], t.at >= len(s) && !cut
	}
	t.flush()
	return t.out.String(), t.at >= len(s) && !cut
}

// reach is how far a step looks ahead, in bytes. Only what it then leaves out can
// be longer.
const reach = 256

// scanner goes through a text once. What it has passed over without a change is
// copied when something is left out.
type scanner struct {
	r       *Redactor
	known   *knownValues
	s       string
	end     int // steps begin before it
	cut     bool
	at      int
	name    int // where the name under way begins; at if there is none
	copied  int // up to where out has the text
	changed bool
	out     strings.Builder
}

func (t *scanner) length() int { return t.out.Len() + t.at - t.copied }

func (t *scanner) flush() {
	if t.copied < t.at {
		t.out.WriteString(t.s[t.copied:t.at])
	}
	t.copied = t.at
}

// replace leaves out what stands from at to end, and all of a known value that
// begins in it.
func (t *scanner) replace(end int, by string) {
	t.flush()
	t.out.WriteString(by)
	for i := t.at; i < end; i++ {
		end = max(end, i+len(t.known.at(t.s[i:])))
	}
	end = max(end, t.at)
	t.at, t.copied, t.name, t.changed = end, end, end, true
}

// hide leaves out what stands from at to end.
func (t *scanner) hide(end int) { t.replace(end, Mark) }

func (t *scanner) step() {
	if form := t.known.at(t.s[t.at:]); form != "" {
		t.replace(t.at+len(form), t.known.shown[form])
		return
	}
	c := t.s[t.at]
	if isNameByte(c) {
		t.at++
		if t.at == len(t.s) || !isNameByte(t.s[t.at]) {
			t.word()
		}
		return
	}
	if strings.HasPrefix(t.s[t.at:], "://") {
		t.pass(t.at + len("://"))
		t.user()
		return
	}
	t.at++
	t.name = t.at
}

func isNameByte(c byte) bool {
	return c == '_' || c == '-' || c == '.' || c >= utf8.RuneSelf ||
		'0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// word looks at what follows a word that ends here.
func (t *scanner) word() {
	name := t.s[max(t.name, t.at-longestName):t.at]
	if begin := separator(t.s, t.at); begin > 0 && t.r.secret(name) {
		t.pass(begin)
		t.value(name)
		return
	}
	if end := t.credentials(name); end > 0 {
		t.pass(blanks(t.s, t.at))
		t.hide(end)
		return
	}
	if end := password(t.s[t.at:min(len(t.s), t.at+reach)]); end > 0 {
		end += t.at
		t.pass(t.at + 1)
		t.hide(end)
	}
}

// pass goes to an index, except for the known values on the way.
func (t *scanner) pass(to int) {
	for t.at < to {
		if form := t.known.at(t.s[t.at:]); form != "" {
			t.replace(t.at+len(form), t.known.shown[form])
			continue
		}
		t.at++
	}
	t.name = t.at
}

// separator returns where the value begins, if a name that ends at i has one: not
// counting blanks, behind "=", ":", ":=" or "=>". The name may end a string or an
// index.
func separator(s string, i int) int {
	for i < len(s) && strings.IndexByte("\\\"'`])", s[i]) >= 0 {
		i++
	}
	i = blanks(s, i)
	begin := i
	for i < len(s) && i < begin+2 && (s[i] == '=' || s[i] == ':' || i > begin && s[i] == '>') {
		i++
	}
	if i == begin || strings.HasPrefix(s[begin:], "://") {
		return 0
	}
	return blanks(s, i)
}

func blanks(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	return i
}

// credentials returns where those end that follow the name of a scheme, or 0. Basic
// ones are base64 of a user, a colon and a password (RFC 7617).
func (t *scanner) credentials(scheme string) int {
	begin := blanks(t.s, t.at)
	if begin == t.at || begin == len(t.s) {
		return 0
	}
	end := token(t.s, begin)
	what := t.s[begin:end]
	switch {
	case strings.EqualFold(scheme, "bearer"):
		if strings.EqualFold(what, "token") { // in a sentence
			return 0
		}
		return end
	case strings.EqualFold(scheme, "basic"):
		const most = 4 << 10
		plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(what[:min(len(what), most)], "="))
		open := t.cut && end == len(t.s)
		if !open && len(what) < most && (err != nil || !strings.Contains(string(plain), ":")) {
			return 0
		}
		return end
	default:
		return 0
	}
}

// password returns where a password ends that begins with the colon behind a user,
// or 0: what follows it is "@" and a host with a port, an address in brackets, or a
// path (https://github.com/go-sql-driver/mysql#dsn-data-source-name).
func password(s string) int {
	if len(s) < 2 || s[0] != ':' || s[1] == '/' {
		return 0
	}
	if stop := strings.IndexAny(s, " \t\r\n\"'`<>"); stop >= 0 {
		s = s[:stop]
	}
	end := strings.LastIndexByte(s, '@')
	if end <= 1 {
		return 0
	}
	i := end + 1
	for i < len(s) && isNameByte(s[i]) {
		i++
	}
	rest := s[i:]
	if strings.HasPrefix(rest, "(") || strings.HasPrefix(rest, "/") || len(rest) > 1 && rest[0] == ':' && '0' <= rest[1] && rest[1] <= '9' {
		return end
	}
	return 0
}

// user leaves out user and password of a URL, whose authority begins here. What
// stands before a slash that cannot be a host and a port is taken for a part of a
// password that should have been escaped.
func (t *scanner) user() {
	s := t.s[t.at:]
	end := strings.IndexAny(s, "/?# \t\r\n\"'`<>\\")
	open := end < 0
	if open {
		end = len(s)
	}
	at := strings.LastIndexByte(s[:end], '@')
	if at < 0 && open && t.cut {
		t.hide(len(t.s))
		return
	}
	if at < 0 && !open && strings.IndexByte("/?#", s[end]) >= 0 {
		if _, port, ok := strings.Cut(s[:end], ":"); ok && strings.Trim(port, "0123456789") != "" {
			rest := s[:min(len(s), max(end, reach))]
			if stop := strings.IndexAny(rest, " \t\r\n\"'`<>"); stop >= 0 {
				rest = rest[:stop]
			}
			at = strings.LastIndexByte(rest, '@')
		}
	}
	if at > 0 {
		t.hide(t.at + at)
	}
}
