package runner

import (
	"crypto/rand"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/org/registry-action/internal/fault"
)

// maxSummary is the size of a step's summary, in bytes, over which the runner
// drops all of it.
const maxSummary = 1 << 20

// outputName is what an action's metadata allows for the name of an output.
var outputName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// SetOutput sets an output of the step. The value may be any text, also text
// that looks like the file format itself. Without GITHUB_OUTPUT it does
// nothing.
func (r *Runner) SetOutput(name, value string) error {
	if !outputName.MatchString(name) {
		return fault.New(fault.Invalid, "%q is no name for an output: use letters, digits, - and _, a letter first", name)
	}
	if err := setValue(r.getenv("GITHUB_OUTPUT"), name, value); err != nil {
		return fmt.Errorf("setting output %s: %w", name, err)
	}
	return nil
}

// SaveState keeps a value for the action's post step, which reads it by State; a later one takes its place. What is
// secret has to be masked before. Without GITHUB_STATE it does nothing.
func (r *Runner) SaveState(name, value string) error {
	if !outputName.MatchString(name) {
		return fault.New(fault.Invalid, "%q is no name for a state: use letters, digits, - and _, a letter first", name)
	}
	if err := setValue(r.getenv("GITHUB_STATE"), name, value); err != nil {
		return fmt.Errorf("saving the state %s: %w", name, err)
	}
	return nil
}

// State returns what SaveState kept, "" if nothing.
func (r *Runner) State(name string) string { return r.getenv("STATE_" + name) }

// setValue appends a value of any text to a file of values; an empty path is none.
func setValue(path, name, value string) error {
	if path == "" {
		return nil
	}
	d := delimiter(value, func() string { return "ghadelimiter_" + rand.Text() })
	return appendFile(path, name+"<<"+d+"\n"+value+"\n"+d+"\n")
}

// AddStepSummary appends Markdown to the step's summary on the run's page. A
// summary of more than 1 MiB is refused whole (fault.TooLarge), as the runner
// would drop all of it. Without GITHUB_STEP_SUMMARY it does nothing.
func (r *Runner) AddStepSummary(markdown string) error {
	path := r.getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	size := int64(len(markdown)) + 1
	if fi, err := os.Stat(path); err == nil {
		size += fi.Size()
	}
	if size > maxSummary {
		return fault.New(fault.TooLarge, "the job summary would be %d bytes, the runner keeps %d: shorten it", size, maxSummary)
	}
	if err := appendFile(path, markdown+"\n"); err != nil {
		return fmt.Errorf("writing the job summary: %w", err)
	}
	return nil
}

// delimiter returns the first of next's words that value does not contain: a
// value with the delimiter in it could end itself and forge further outputs.
func delimiter(value string, next func() string) string {
	for {
		if d := next(); !strings.Contains(value, d) {
			return d
		}
	}
}

func appendFile(path, text string) (err error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	_, err = f.WriteString(text)
	return err
}
