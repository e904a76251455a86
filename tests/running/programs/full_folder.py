for i in range(COUNT):
    try:
        open(str(i), "wb").write(bytes(8 << 20))
    except OSError:
        print("full after", i)
        break
