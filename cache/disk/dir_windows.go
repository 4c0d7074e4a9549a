package disk

const nonBlock = 0
