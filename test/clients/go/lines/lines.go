// Package lines answers calls that come as lines of JSON on stdin, one line each on stdout.
package lines

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// Ask is one call: what a program is told to do.
type Ask struct {
	Action     string         `json:"action"`
	Parameters map[string]any `json:"parameters"`
	Format     string         `json:"format"`
	Key        struct {
		ID     string `json:"id"`
		Secret string `json:"secret"`
	} `json:"key"`
}

// Answer is what the client made of the reply.
type Answer struct {
	Kind      string `json:"kind"`
	Reply     any    `json:"reply,omitempty"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"requestId,omitempty"`
	Status    int    `json:"status,omitempty"`
}

// Serve answers until stdin ends. What call gives as an error is no answer of the service, and ends the program.
func Serve(call func(Ask) (Answer, error)) {
	input := json.NewDecoder(os.Stdin)
	// Numbers as they are written: 1000000, not 1e+06.
	input.UseNumber()
	for {
		var ask Ask
		if err := input.Decode(&ask); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			fail(err)
		}
		answer, err := call(ask)
		if err != nil {
			fail(err)
		}
		line, err := json.Marshal(answer)
		if err != nil {
			fail(err)
		}
		fmt.Println(string(line))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
