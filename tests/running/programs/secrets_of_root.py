for path in ("/etc/shadow", "/etc/gshadow", HOME + "/secret"):
    try:
        print(len(open(path).read()) > 0)
    except OSError:
        print(False)
