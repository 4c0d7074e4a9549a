package manifest

import (
	"slices"
	"strings"
)

// maxListed bounds how many names a hint lists.
const maxListed = 20

// didYouMean is `; did you mean "x"?`, or empty when nothing is near.
func didYouMean(word string, known []string) string {
	const longest = 64
	best, bestDistance := "", 0
	if len(word) > longest {
		return ""
	}
	for _, k := range known {
		if len(k) > longest {
			continue
		}
		d := distance(normal(word), normal(k))
		if d <= max(1, min(len(word), len(k))/3) && (best == "" || d < bestDistance) {
			best, bestDistance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return `; did you mean "` + best + `"?`
}

var separators = strings.NewReplacer("_", "", "-", "")

// normal makes shutdownTimeout and shutdown-timeout as near to
// shutdown_timeout as they look.
func normal(s string) string {
	return separators.Replace(strings.ToLower(s))
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// listed is the names, sorted, cut to what a reader takes in.
func listed(names []string) string {
	names = slices.Sorted(slices.Values(names))
	more := ""
	if len(names) > maxListed {
		names, more = names[:maxListed], ", …"
	}
	for i := range names {
		names[i] = clip(names[i])
	}
	return strings.Join(names, ", ") + more
}
