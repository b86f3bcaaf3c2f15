package websocket

import (
	"encoding/json"
	"log"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"tidings.bench/seed-go/internal/auth"
)

const (
	writeWait      = 10 * time.Second
	pongWait       = 60 * time.Second
	pingPeriod     = pongWait * 9 / 10
	maxMessageSize = 64 << 10
	sendQueue      = 256
)

// Small buffers and a pool for writing keep an idle connection small.
var upgrader = websocket.Upgrader{
	ReadBufferSize:  1024,
	WriteBufferSize: 4096,
	WriteBufferPool: &sync.Pool{},
	CheckOrigin:     func(*http.Request) bool { return true },
}

// outgoing is one frame to be written: prepared where several clients get it.
type outgoing struct {
	text     []byte
	prepared *websocket.PreparedMessage
}

// Client stands between one connection and the hub.
type Client struct {
	hub    *Hub
	userID string
	conn   *websocket.Conn
	send   chan outgoing
}

// Handler upgrades requests whose token is good.
func Handler(hub *Hub, verifier *auth.Verifier) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		userID, err := verifier.User(r)
		if err != nil {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			log.Printf("upgrade: %v", err)
			return
		}
		client := &Client{hub: hub, userID: userID, conn: conn, send: make(chan outgoing, sendQueue)}
		hub.register <- client
		go client.writePump()
		go client.readPump()
	})
}

// readPump pumps messages from the connection to the hub.
func (c *Client) readPump() {
	defer func() {
		c.hub.unregister <- c
		c.conn.Close()
	}()
	c.conn.SetReadLimit(maxMessageSize)
	_ = c.conn.SetReadDeadline(time.Now().Add(pongWait))
	c.conn.SetPongHandler(func(string) error { return c.conn.SetReadDeadline(time.Now().Add(pongWait)) })
	for {
		_, data, err := c.conn.ReadMessage()
		if err != nil {
			return
		}
		var message struct {
			Type    string          `json:"type"`
			Payload json.RawMessage `json:"payload"`
		}
		if err := json.Unmarshal(data, &message); err != nil {
			return
		}
		inbound, err := json.Marshal(struct {
			UserID  string          `json:"user_id"`
			Type    string          `json:"type"`
			Payload json.RawMessage `json:"payload"`
		}{c.userID, message.Type, message.Payload})
		if err != nil {
			return
		}
		c.hub.inbound <- inbound
	}
}

// writePump pumps messages from the hub to the connection, and pings it.
func (c *Client) writePump() {
	ticker := time.NewTicker(pingPeriod)
	defer func() {
		ticker.Stop()
		c.conn.Close()
	}()
	for {
		select {
		case message, ok := <-c.send:
			_ = c.conn.SetWriteDeadline(time.Now().Add(writeWait))
			if !ok {
				_ = c.conn.WriteMessage(websocket.CloseMessage, nil)
				return
			}
			if err := c.write(message); err != nil {
				return
			}
		case <-ticker.C:
			_ = c.conn.SetWriteDeadline(time.Now().Add(writeWait))
			if err := c.conn.WriteMessage(websocket.PingMessage, nil); err != nil {
				return
			}
		}
	}
}

func (c *Client) write(message outgoing) error {
	if message.prepared != nil {
		return c.conn.WritePreparedMessage(message.prepared)
	}
	return c.conn.WriteMessage(websocket.TextMessage, message.text)
}
