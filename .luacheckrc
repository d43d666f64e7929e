std = 'luajit'
read_globals = { 'box', 'tonumber64', 'utf8', table = { fields = { 'copy' } } }
max_line_length = 100
