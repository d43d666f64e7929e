std = 'luajit'
read_globals = { 'box' }
max_line_length = 100
