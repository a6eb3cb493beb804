package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

var secret = []byte(os.Getenv("GITHUB_WEBHOOK_SECRET"))

func isGenuine(body []byte, signature string) bool {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	expected := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(signature), []byte(expected))
}

func github(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 25<<20)) // before any json.Decoder
	if err != nil {
		http.Error(w, "can't read the body", http.StatusBadRequest)
		return
	}
	if !isGenuine(body, r.Header.Get("X-Hub-Signature-256")) {
		http.Error(w, "wrong signature", http.StatusUnauthorized)
		return
	}
	// Queue the work under the id in X-GitHub-Delivery, and do nothing if that id is known.
	w.WriteHeader(http.StatusAccepted)
}

func main() {
	if len(secret) == 0 {
		log.Fatal("GITHUB_WEBHOOK_SECRET is not set")
	}
	http.HandleFunc("/webhooks/github", github)
	listener, err := net.Listen("tcp", "127.0.0.1:3000")
	if err != nil {
		log.Fatal(err)
	}
	log.Println("listening on 3000")
	log.Fatal(http.Serve(listener, nil))
}
