"""What tests share: services and instances to start, clients, checks of replies."""
