"""The built-in plugins, one file each. They come in by entry points, like everybody else's."""
