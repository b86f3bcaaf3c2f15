import socket,sys,time
s=socket.create_connection(('127.0.0.1',7390));f=s.makefile('rb')
def c(*a):
    s.sendall(b'*%d\r\n'%len(a)+b''.join(b'$%d\r\n%s\r\n'%(len(x.encode()),x.encode()) for x in a)); l=f.readline()
    if l[:1]==b'-': print(l); sys.exit()
    if l[:1]==b'*':
        for _ in range(int(l[1:])): f.readline();f.readline()
T=sys.argv[1]
for name in ['empty','is_utf8','mask','scan_members','read_update','clock','look','new open','xrevrange none','add','open','xrevrange','publish','digits','acl','xadd','concat']:
    best=9e9
    for _ in range(7):
        t=time.time(); c('FCALL','micro','0',T,name,'2000'); best=min(best,time.time()-t); c('DEL','micro:y:log')
    print('%-16s %.2f us'%(name,best/2000*1e6))
