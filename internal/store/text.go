package store

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/sluice-dev/sluice"
)

// checkTexts refuses arguments that are not text, on both engines alike: SQLite
// would store them, and PostgreSQL would not. What is outside of Sluice is refused
// where it enters; this is the last guard, which every argument passes.
func checkTexts(query string, args []any) error {
	for i, arg := range args {
		s, is := arg.(string)
		if !is {
			v := reflect.ValueOf(arg)
			if v.Kind() != reflect.String {
				continue
			}
			s = v.String()
		}
		if _, bad := sluice.FindBadText(s); bad {
			return sluice.CheckIsText("the value of "+columnOf(query, i+1), s)
		}
	}
	return nil
}

var (
	tableForm  = regexp.MustCompile(`(?i)\b(?:INTO|UPDATE|FROM)\s+(\w+)`)
	insertForm = regexp.MustCompile(`(?i)\bINSERT\s+INTO\s+\w+\s*\(([^)]*)\)`)
	valuesForm = regexp.MustCompile(`(?i)\bVALUES\s*\(([^)]*)\)`)
)

// columnOf names what an argument is of, as well as the statement says it: the
// column that it is compared with or set to, behind its table.
func columnOf(query string, n int) string {
	table := "the statement"
	if m := tableForm.FindStringSubmatch(query); m != nil {
		table = m[1]
	}
	if m := regexp.MustCompile(fmt.Sprintf(`(?i)(\w+)\s*(?:=|<=?|>=?|<>|LIKE)\s*\$%d\b`, n)).FindStringSubmatch(query); m != nil {
		return table + "." + m[1]
	}
	columns, values := insertForm.FindStringSubmatch(query), valuesForm.FindStringSubmatch(query)
	if columns == nil || values == nil {
		return table
	}
	names := strings.Split(columns[1], ",")
	for i, value := range strings.Split(values[1], ",") {
		if strings.TrimSpace(value) == fmt.Sprintf("$%d", n) && i < len(names) {
			return table + "." + strings.TrimSpace(names[i])
		}
	}
	return table
}
