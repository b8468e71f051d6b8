"""The networks: UNet, audio encoder, export."""
