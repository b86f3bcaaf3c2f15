// Package websocket holds the connections of users.
package websocket

import (
	"context"
	"encoding/json"
	"log"

	"github.com/gorilla/websocket"

	"tidings.bench/seed-go/internal/broker"
)

// Hub maintains the set of connected clients and brings updates to them.
type Hub struct {
	broker      *broker.Redis
	clients     map[*Client]struct{}
	userClients map[string]map[*Client]struct{}
	updates     chan broker.Update
	inbound     chan []byte
	register    chan *Client
	unregister  chan *Client
}

// NewHub returns a hub; nothing moves until it runs.
func NewHub(updates *broker.Redis) *Hub {
	return &Hub{
		broker:      updates,
		clients:     make(map[*Client]struct{}),
		userClients: make(map[string]map[*Client]struct{}),
		updates:     make(chan broker.Update, 1024),
		inbound:     make(chan []byte, 1024),
		register:    make(chan *Client),
		unregister:  make(chan *Client),
	}
}

// Deliver queues an update; it waits while the hub is busy.
func (h *Hub) Deliver(update broker.Update) { h.updates <- update }

// Run owns the maps until the context ends.
func (h *Hub) Run(ctx context.Context) {
	go h.publish(ctx)
	for {
		select {
		case client := <-h.register:
			h.clients[client] = struct{}{}
			mine := h.userClients[client.userID]
			if mine == nil {
				mine = make(map[*Client]struct{}, 1)
				h.userClients[client.userID] = mine
			}
			mine[client] = struct{}{}
		case client := <-h.unregister:
			h.remove(client)
		case update := <-h.updates:
			h.send(update)
		case <-ctx.Done():
			return
		}
	}
}

func (h *Hub) send(update broker.Update) {
	targets := h.clients
	if update.TargetUserID != "*" {
		targets = h.userClients[update.TargetUserID]
	}
	if len(targets) == 0 {
		return
	}
	frame, err := json.Marshal(struct {
		Type    string          `json:"type"`
		Payload json.RawMessage `json:"payload"`
	}{update.Type, update.Payload})
	if err != nil {
		log.Printf("update: %v", err)
		return
	}
	message := outgoing{text: frame}
	// Framed once for all; for one the preparation costs more than it saves.
	if len(targets) > 1 {
		if message.prepared, err = websocket.NewPreparedMessage(websocket.TextMessage, frame); err != nil {
			log.Printf("update: %v", err)
			return
		}
	}
	for client := range targets {
		select {
		case client.send <- message:
		default:
			h.remove(client)
		}
	}
}

func (h *Hub) remove(client *Client) {
	if _, ok := h.clients[client]; !ok {
		return
	}
	delete(h.clients, client)
	mine := h.userClients[client.userID]
	delete(mine, client)
	if len(mine) == 0 {
		delete(h.userClients, client.userID)
	}
	close(client.send)
}

// publish hands messages of clients to Redis, as many at once as wait.
func (h *Hub) publish(ctx context.Context) {
	for {
		select {
		case message := <-h.inbound:
			batch := [][]byte{message}
			for more := true; more && len(batch) < 256; {
				select {
				case message := <-h.inbound:
					batch = append(batch, message)
				default:
					more = false
				}
			}
			if err := h.broker.Publish(ctx, batch); err != nil {
				log.Printf("inbound: %v", err)
			}
		case <-ctx.Done():
			return
		}
	}
}
