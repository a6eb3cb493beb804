// Faulty: it parses JSON, and Auphonic sends forms. Repaired: FormValue reads a form in both of its encodings.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func parseJSON(w http.ResponseWriter, r *http.Request) {
	var payload struct{ UUID string }
	if err := json.NewDecoder(r.Body).Decode(&payload); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func parseForm(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("uuid") == "" {
		http.Error(w, "no uuid", http.StatusBadRequest)
	}
}

func main() {
	http.HandleFunc("/faulty", parseJSON)
	http.HandleFunc("/repaired", parseForm)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	panic(http.Serve(listener, nil))
}
