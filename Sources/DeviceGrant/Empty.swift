// empty until its step
