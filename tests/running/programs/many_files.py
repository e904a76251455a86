for i in range(100_000):
    try:
        open(str(i), "w").close()
    except OSError:
        break
