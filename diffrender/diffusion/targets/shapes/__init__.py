"""Points drawn from files: drawings, pictures, tables, meshes."""
