// Command seed-go is the relay that Tidings set out from, as its document describes it and a good Go engineer writes it.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"tidings.bench/seed-go/internal/auth"
	"tidings.bench/seed-go/internal/broker"
	"tidings.bench/seed-go/internal/websocket"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	rdb := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR")})
	defer rdb.Close()
	updates := broker.New(rdb)
	hub := websocket.NewHub(updates)
	go hub.Run(ctx)

	ready := make(chan struct{})
	go func() {
		if err := updates.Subscribe(ctx, ready, hub.Deliver); err != nil && ctx.Err() == nil {
			log.Fatalf("redis: %v", err)
		}
	}()

	verifier := auth.New([]byte(os.Getenv("JWT_SECRET")))
	mux := http.NewServeMux()
	mux.Handle("GET /ws", websocket.Handler(hub, verifier))
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-ready:
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	server := &http.Server{Addr: os.Getenv("LISTEN"), Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}
