package manifest

import (
	"regexp"
	"strconv"
)

const (
	major = 1
	minor = 0
)

var versionForm = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})(?:\.(0|[1-9][0-9]{0,5}))?$`)

func (p *parser) checkVersion(doc any) {
	version, ok := at[any](doc, "version").(string)
	pl := p.locate(p.root, "", []string{"version"})
	if !ok || p.broken[pl.node] {
		return
	}
	parts := versionForm.FindStringSubmatch(version)
	if parts == nil {
		p.errorf(pl.node, pl.path, `%q is not a version of the manifest; write version: "%d"`, p.shown(pl.node), major)
		return
	}
	gotMajor, _ := strconv.Atoi(parts[1])
	gotMinor, _ := strconv.Atoi(parts[2]) // none is 0
	switch {
	case gotMajor != major:
		p.errorf(pl.node, pl.path, `version %q is not supported; this program reads version "%d"`, p.shown(pl.node), major)
	case gotMinor > minor:
		p.warnf(pl.node, pl.path, `version %q is newer than this program, which reads "%d.%d"; its newer keys are errors`, p.shown(pl.node), major, minor)
	}
}
