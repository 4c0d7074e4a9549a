package pluginhost

import (
	"slices"
	"testing"
)

func TestReasons(t *testing.T) {
	t.Parallel()
	list := Reasons()
	if len(list) != int(reasons)-1 || slices.Contains(list, "") {
		t.Errorf("the reasons are %q", list)
	}
	list[0] = "other"
	if Reasons()[0] != QueueFull {
		t.Error("the list is shared")
	}
}
