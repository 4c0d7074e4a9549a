package private

import "testing"

func TestOwnGroup(t *testing.T) {
	const (
		passwd = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000:Ann:/home/ann:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n"
		groups = "root:x:0:\nann:x:1000:\nbob:x:1001:ann\nstaff:x:50:ann\n"
	)
	for name, c := range map[string]struct {
		passwd, groups string
		uid, gid       uint32
		want           bool
	}{
		"her own":                {passwd, groups, 1000, 1000, true},
		"root's":                 {passwd, groups, 0, 0, true},
		"with a member":          {passwd, groups, 1001, 1001, false},
		"she is a member":        {passwd, "ann:x:1000:ann\n", 1000, 1000, true},
		"one of many":            {passwd, groups, 1000, 50, false},
		"somebody else's":        {passwd, groups, 1000, 1001, false},
		"first group of another": {passwd + "eve:x:1002:1000::/:/bin/sh\n", groups, 1000, 1000, false},
		"another name":           {passwd, "users:x:1000:\n", 1000, 1000, false},
		"two groups of a number": {passwd, groups + "more:x:1000:eve\n", 1000, 1000, false},
		"two names of a user":    {passwd + "eve:x:1000:1000::/:/bin/sh\n", groups, 1000, 1000, false},
		"a user of no file":      {passwd, groups, 2000, 2000, false},
		"a group of no file":     {passwd, "", 1000, 1000, false},
		"no files":               {"", "", 1000, 1000, false},
		"nonsense":               {"ann\n:::\n" + passwd, "ann\n:::\n" + groups, 1000, 1000, true},
	} {
		if got := ownGroup(c.passwd, c.groups, c.uid, c.gid); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
