// Faulty: Read returns one piece of the body. Repaired: io.ReadAll reads it to its end.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func receive(read func(*http.Request) []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		mac := hmac.New(sha256.New, []byte(os.Getenv("GITHUB_WEBHOOK_SECRET")))
		mac.Write(read(r))
		expected := "sha256=" + hex.EncodeToString(mac.Sum(nil))
		if !hmac.Equal([]byte(r.Header.Get("X-Hub-Signature-256")), []byte(expected)) {
			http.Error(w, "bad signature", http.StatusUnauthorized)
		}
	}
}

func onePiece(r *http.Request) []byte {
	// As much as a connection's first segment may hold.
	body := make([]byte, 1024)
	length, _ := r.Body.Read(body)
	return body[:length]
}

func all(r *http.Request) []byte {
	body, _ := io.ReadAll(r.Body)
	return body
}

func main() {
	http.HandleFunc("/faulty", receive(onePiece))
	http.HandleFunc("/repaired", receive(all))
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
