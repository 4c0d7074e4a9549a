package pluginhost

const openFlags = 0
