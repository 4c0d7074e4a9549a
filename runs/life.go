package runs

import (
	"io/fs"
	"time"
)

// beat is the time between two signs of life of a run that writes nothing.
const beat = 5 * time.Second

// live has the time of the file tell that the process is alive. Every line that is
// written does so too.
func (l *fileLog) live() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heart = time.AfterFunc(beat, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.closed {
			return
		}
		l.sign()
		l.pass()
		l.heart.Reset(beat)
	})
}

// sign gives a sign of life, or says that lines are missing.
func (l *fileLog) sign() {
	at := time.Now()
	if l.missing {
		at = unsure
	}
	_ = l.dir.root.Chtimes(l.name, time.Time{}, at)
}

// pass notes that what was told of earlier starts has had time to leave the process.
func (l *fileLog) pass() {
	if l.owed && !l.asked.IsZero() && time.Since(l.asked) >= beat {
		l.owed = l.write(head{Passed: &passedEntry{time.Now().UTC()}}) != nil
	}
}

// unsure is the time of a file in which lines of the last start are missing, because
// the disk was full for example: what it seems to have left open may have ended. To
// set a time takes no room.
var unsure = time.Unix(0, 0)

// isUnsure reports whether a file has that time. Some file systems know none before
// 1980 and take the next they know.
func isUnsure(info fs.FileInfo) bool { return info.ModTime().Before(unsure.AddDate(11, 0, 0)) }
