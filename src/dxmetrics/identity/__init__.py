"""Who is who: accounts merged into people, machines told apart, and what the organisation declares about itself."""
