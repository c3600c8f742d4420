"""The page Surveys, for those who run them: instruments and their checks, waves, who took part, what is asked for."""
