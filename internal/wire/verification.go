package wire

// The phases of a verification of all that a server keeps.
const (
	VerifyNone    = "none"    // none was made since the server started
	VerifyRunning = "running" //
	VerifyDone    = "done"    // it has come to its end, whatever it found
	VerifyFailed  = "failed"  // it could not be made
)

// Verification says how far a verification is, and at its end what it found.
type Verification struct {
	Phase        string           `json:"phase"`
	Rows         int64            `json:"rows"`                // looked at
	RowsTotal    int64            `json:"rowsTotal,omitzero"`  // 0: not known
	Blobs        int64            `json:"blobs"`               // read
	BlobsTotal   int64            `json:"blobsTotal,omitzero"` // that are kept; 0: not known
	Bytes        int64            `json:"bytes"`               // of them
	Checked      map[string]int64 `json:"checked,omitempty"`   // what was looked at: "npm versions", "packages of commits", …
	NotChecked   int64            `json:"rowsNotChecked"`      // rows that say nothing of packages and who may publish them: statistics, the agenda
	Unreferenced int64            `json:"unreferencedBlobs"`   // that nothing counts on: the sweeper removes them
	Problems     []Problem        `json:"problems"`
	More         bool             `json:"more,omitzero"`  // there are more problems than are listed
	Error        string           `json:"error,omitzero"` // of VerifyFailed
}

// Problem is something that is wrong with what a server keeps.
type Problem struct {
	Kind     string `json:"kind"` // "npm", "commit", "zig", "lumen", "key", "policy", "token" or "account"
	Name     string `json:"name"` // what it is about, such as left-pad@1.0.0
	Code     string `json:"code"`
	Blob     string `json:"blob,omitzero"` // the bytes, where they are below the folder of blobs or the prefix of the bucket
	Expected string `json:"expected,omitzero"`
	Got      string `json:"got,omitzero"`
	Message  string `json:"message"`
	Remedy   string `json:"remedy"` // what to do
}
