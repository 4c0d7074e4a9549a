package private

import (
	"io/fs"
	"strconv"
	"strings"
)

// OthersWrite reports whether other users may change a file, by its mode. The group
// of our user alone, which many systems make for each user, is no other user.
func OthersWrite(info fs.FileInfo) bool {
	const group, world = 0o020, 0o002
	perm := info.Mode().Perm()
	return perm&world != 0 || perm&group != 0 && !inOwnGroup(info)
}

// ownGroup reports whether a group is that of a user alone, by the texts of /etc/passwd
// and /etc/group: it has the user's name, is the first group of nobody else and has no
// other member. Users and groups that are not in these files are not known.
func ownGroup(passwd, groups string, uid, gid uint32) bool {
	is := func(field string, id uint32) bool { return field == strconv.FormatUint(uint64(id), 10) }
	name := ""
	for line := range strings.Lines(passwd) {
		f := strings.Split(strings.TrimSpace(line), ":") // name, password, user, group, …
		switch {
		case len(f) < 4:
		case is(f[2], uid) && is(f[3], gid) && (name == "" || name == f[0]):
			name = f[0]
		case is(f[2], uid), is(f[3], gid):
			return false
		}
	}
	found := false
	for line := range strings.Lines(groups) {
		f := strings.Split(strings.TrimSpace(line), ":") // name, password, group, members
		if len(f) < 4 || !is(f[2], gid) {
			continue
		}
		if f[0] != name || f[3] != "" && f[3] != name {
			return false
		}
		found = true
	}
	return found && name != ""
}
