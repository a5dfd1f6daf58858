package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// bench is what every measurement gets.
type bench struct {
	options
	log io.Writer // progress
}

// measurement fills one table. It may use the folder dir as it likes.
type measurement struct {
	name string
	run  func(ctx context.Context, b *bench, dir string) (table, error)
}

func measurements() []measurement {
	return []measurement{
		{"pack", measurePack},
		{"publish", measurePublish},
		{"history", measureHistory},
		{"memory", measureMemory},
		{"serve", measureServe},
		{"large", measureLarge},
		{"install", measureInstall},
		{"many", measureMany},
		{"zig", measureZig},
		{"lumen", measureLumen},
		{"search", measureSearch},
		{"pages", measurePages},
		{"cost", measureCost},
		{"publish-s3", measurePublishFar},
		{"scale", measureScale},
		{"big", measureBig},
		{"start", measureStart},
		{"step", measureStep},
	}
}

func names(all []measurement) []string {
	list := make([]string, len(all))
	for i, m := range all {
		list[i] = m.name
	}
	return list
}

// choose returns the measurements with these names, all of them for none.
func choose(all []measurement, wanted []string) ([]measurement, error) {
	if len(wanted) == 0 {
		return all, nil
	}
	var chosen []measurement
	for _, name := range wanted {
		i := slices.IndexFunc(all, func(m measurement) bool { return m.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no measurement %q; the names are %s", name, strings.Join(names(all), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.log, format+"\n", args...) }

// environment is the process's own without what would steer our programs.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return slices.ContainsFunc([]string{"GITHUB_", "REGISTRY_", "PANTRY_", "INPUT_", "CI=", "PORT=", "HOST=", "BASE_URL=", "S3_", "DYNAMODB_", "MAX_", "NPM_", "READ_AUTH", "CLAIMED_"},
			func(prefix string) bool { return strings.HasPrefix(v, prefix) })
	})
}
