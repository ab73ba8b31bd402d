"""What the black-box suite is built of: certificates, backends, the gate itself, and clients that can misbehave."""
